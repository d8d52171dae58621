import pytest

from rnn_apps.errors import UserError
from rnn_apps.settings import TaskSettings
from rnn_apps.tasks import TASKS, find_task, settings_class, task_names

SHAPES = {"one-to-many", "many-to-one", "many-to-many", "one output at every step", "any"}


def test_there_is_a_task():
    assert "text_classification" in task_names()


@pytest.mark.parametrize("name", task_names())
def test_every_task_has_settings_that_say_what_it_does(name):
    settings = settings_class(name)
    assert issubclass(settings, TaskSettings)
    assert settings.shape in SHAPES
    assert settings.summary
    assert settings.model_fields["task"].default == name
    assert {"data", "model"} <= set(settings.model_fields)


@pytest.mark.parametrize("name", task_names())
def test_every_entry_says_module_and_name(name):
    assert all(target.count(":") == 1 for target in (TASKS[name].settings, TASKS[name].task))


@pytest.mark.parametrize("resolve", [settings_class, find_task])
def test_an_unknown_task_names_the_nearest_and_all_others(resolve):
    with pytest.raises(UserError) as caught:
        resolve("taging")
    assert str(caught.value) == (
        f'task: unknown task "taging". Did you mean "tagging"? Allowed here: {", ".join(task_names())}.'
    )
