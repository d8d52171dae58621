// Accessibility that gradio's components lack: a live region for the answer, names for the regions.
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
    if (body?.classList.contains("dark")) body.classList.remove("dark"); // light colours only, as in reports
    name("summary", { role: "status", "aria-live": "polite", "aria-atomic": "true" });
    name("answer", { role: "region", "aria-label": "Answer" });
    name("examples", { role: "group", "aria-label": "Examples" });
  });
  watch.observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["class"] });
})();
