"""Rule: the report of a run is one whole page that names what was trained, on what, and how well."""

import pytest


def check_report(page, run):
    """The page names the recipe, the task, the data, every score and baseline, and marks what is a sample."""
    metrics = run.metrics
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    named = [run.recipe.name, run.recipe.task, metrics["data"]["source"], metrics["score_mark"]]
    named += [name.rpartition("/")[2] for name in metrics["test"]]  # f1/good is a row of the table of classes
    named += [*metrics["baseline"], *(metrics["class_names"] or ())]
    missing = [name for name in named if name.replace("_", " ") not in page and name not in page]
    assert not missing, f"the report does not name {missing}"
    for name in metrics["not_exported"]:
        assert f"not exported: {name}" in page


def test_the_report_names_what_was_trained_on_what_and_how_well(run, tiny):
    if tiny.is_trained_here:
        check_report((run.folder / "report.html").read_text(), run)
    else:
        assert not (run.folder / "report.html").exists()


def test_the_views_are_of_every_recurrent_layer(run, tiny, check_views):
    if tiny.is_trained_here:
        check_views(run, list(tiny.layers))


# Seeded faults


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_report_that_ends_early_or_does_not_mark_a_sample_is_caught(run):
    page = (run.folder / "report.html").read_text()
    for damaged in (page[: len(page) // 2], page.replace("SAMPLE", ""), page.replace("majority", "")):
        with pytest.raises(AssertionError):
            check_report(damaged, run)
