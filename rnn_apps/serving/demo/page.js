// What gradio's components lack for a screen reader: the answer is a live region, the parts have names.
(() => {
  const name = (id, attributes) => {
    const element = document.getElementById(id);
    if (!element || element.dataset.named) return Boolean(element);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.dataset.named = "1";
    return true;
  };
  const watch = new MutationObserver(() => {
    const body = document.body;
    if (body?.classList.contains("dark")) body.classList.remove("dark"); // one look, that of a run's report
    name("said", { role: "status", "aria-live": "polite", "aria-atomic": "true" });
    name("shown", { role: "region", "aria-label": "Answer" });
    name("examples", { role: "group", "aria-label": "Examples" });
  });
  watch.observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["class"] });
})();
