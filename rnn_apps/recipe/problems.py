"""Converts validation errors to readable lines, with the allowed values from the schema."""

from functools import cache

from pydantic import ValidationError

from rnn_apps.errors import did_you_mean, message, nearest, shown
from rnn_apps.recipe.document import Document, Key, KeyPath, Problem, dotted
from rnn_apps.settings import Settings

MOST_CHOICES_SHOWN = 20
BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}


def problems_of(
    document: Document, settings: type[Settings], context: dict[str, bool] | None = None
) -> list[Problem]:
    """Returns all problems of a document's values with `settings`.

    Args:
        document: what is checked.
        settings: what checks it.
        context: of the validation, for validators that ask where the document is from.
    """
    errors = _errors(document.values, settings, context)
    errors = _once_per_place(errors, document.values, settings)
    refused = [error["loc"] for error in errors]
    # Conflicts between keys are looked for only among sound values, so look again without the unsound ones.
    sound = _without(document.values, refused)
    conflicts = [error for error in _errors(sound, settings, context) if error["type"] == "refused"]
    conflicts = _once_per_place(conflicts, sound, settings)
    errors += [error for error in conflicts if error["loc"] not in refused]
    return [_problem(error, document, settings) for error in errors]


def allowed_keys(settings: type[Settings], path: KeyPath = ()) -> list[str]:
    """Returns the allowed keys directly below `path`."""
    return list(node_at(settings, path).get("properties", {}))


def node_at(settings: type[Settings], path: KeyPath) -> dict:
    """Returns the schema at `path`; an empty one if anything is allowed."""
    schema = _schema(settings)  # type: ignore[arg-type]
    node = _resolved(schema, schema)
    for key in path:
        node = _resolved(_child(node, key), schema)
    return node


def described(node: dict) -> str:
    """Describes what a schema allows, such as "a whole number from 1 to 10000"."""
    if "options" in node:
        options = sorted(node["options"], key=lambda option: option.get("type") == "array")
        return ", or ".join([*map(described, options), *(["null"] if node.get("nullable") else [])])
    words = node.get("patternErrorMessage") or _described_choice(node) or _described_type(node)
    return f"{words} or null" if node.get("nullable") else words


def _errors(values: object, settings: type[Settings], context: dict[str, bool] | None) -> list[dict]:
    try:
        settings.model_validate(values, context=context)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _once_per_place(errors: list[dict], values: object, settings: type[Settings]) -> list[dict]:
    """Returns the errors with the places that the document has, each of which is named once.

    Where a setting may be of several types, a place has the name of each type in it as well.
    """
    found: dict[KeyPath, dict] = {}
    for error in errors:
        path = _path_in(values, error["loc"], settings)
        if path not in found or (error["type"] == "refused" and found[path]["type"] != "refused"):
            found[path] = error | {"loc": path}
    of_several_types = {path for path in found if "options" in node_at(settings, path)}
    inner = {path[:-1] for path in found if path}  # an entry of a list is at fault, not that it is a list
    return [error for path, error in found.items() if path not in of_several_types & inner]


def _path_in(values: object, location: KeyPath, settings: type[Settings]) -> KeyPath:
    path: list[str | int] = []
    for part in location:
        if isinstance(values, dict):
            if part not in values and part not in allowed_keys(settings, tuple(path)):
                continue
            path.append(part)
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int):
            path.append(part)
            values = values[part] if part < len(values) else None
    return tuple(path)


def _without(values: object, paths: list[KeyPath]) -> object:
    """Returns a copy of nested mappings without `paths`; an invalid entry removes its whole list."""
    if not isinstance(values, dict):
        return values
    kept = {}
    for key, value in values.items():
        below = [path[1:] for path in paths if path and path[0] == key]
        lost = any(not path or isinstance(path[0], int) for path in below)
        if not lost:
            kept[key] = _without(value, below)
    return kept


def _problem(error: dict, document: Document, settings: type[Settings]) -> Problem:
    path = error["loc"]
    line, where = document.place(path).line, document.where(path)
    if error["type"] == "refused":
        return Problem(line, f"{where}: {error['ctx']['text']}")
    if error["type"] == "extra_forbidden":
        place, problem = document.place(path), "unknown key"
        if place.is_override and path in document.places and where != place.text:  # of a longer key
            where, problem = place.text, f'unknown key "{dotted(path)}"'
        return Problem(line, message(where, problem, fix=_key_advice(path, settings)))
    node = node_at(settings, path)
    if error["type"] == "missing":
        return Problem(line, message(where, "missing", expected=described(node)))
    received = shown(error["input"])
    fix = _value_advice(error["input"], node)
    return Problem(line, message(where, received=received, expected=described(node), fix=fix))


def _key_advice(path: KeyPath, settings: type[Settings]) -> str:
    """Suggests where an unknown key belongs: elsewhere with the same name, or here with a similar one."""
    keys = allowed_keys(settings, path[:-1])
    elsewhere = [dotted(place) for place in _all_keys(settings) if place[-1] == path[-1]]  # type: ignore[arg-type]
    if elsewhere:
        return f'Did you mean "{elsewhere[0]}"? Allowed here: {", ".join(keys)}.'
    return did_you_mean(path[-1], keys)


def _value_advice(value: object, node: dict) -> str | None:
    if isinstance(value, str) and "enum" in node:
        choices = [choice for choice in node["enum"] if isinstance(choice, str)]
        guess = nearest(value, choices)
        return f'Did you mean "{guess}"?' if guess else None
    if isinstance(value, (bool, int, float)) and node.get("type") == "string" and "enum" not in node:
        return f'To make it text, put it into quotes: "{shown(value)}".'
    return None


@cache
def _schema(settings: type[Settings]) -> dict:
    return settings.model_json_schema()


@cache
def _all_keys(settings: type[Settings]) -> list[KeyPath]:
    found: list[KeyPath] = []
    waiting: list[KeyPath] = [()]
    while waiting:
        path = waiting.pop(0)
        below: list[KeyPath] = [(*path, key) for key in allowed_keys(settings, path)]
        found += below
        waiting += below
    return found


def _child(node: dict, key: Key) -> dict:
    if isinstance(key, int):
        options = [node, *node.get("options", ())]
        return next((option["items"] for option in options if "items" in option), {})
    return node.get("properties", {}).get(key, {})


def _resolved(node: dict, schema: dict) -> dict:
    """Follows references, and replaces "this or null" by this, marked as nullable."""
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rpartition("/")[2]], schema) | _annotations(node)
    if "allOf" in node:
        return _resolved(node["allOf"][0], schema) | _annotations(node)
    if "anyOf" in node:
        options = [_resolved(option, schema) for option in node["anyOf"]]
        others = [option for option in options if option.get("type") != "null"]
        several = {"options": others} if len(others) > 1 else {}
        return others[0] | _annotations(node) | several | {"nullable": len(options) > len(others)}
    if "items" in node:
        return node | {"items": _resolved(node["items"], schema)}
    return node


def _annotations(node: dict) -> dict:
    return {
        key: value for key, value in node.items() if key in ("description", "patternErrorMessage", "default")
    }


def _described_choice(node: dict) -> str | None:
    if "const" in node:
        return _choice_text(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(_choice_text(choice) for choice in node["enum"][:MOST_CHOICES_SHOWN])
    return None


def _choice_text(choice: object) -> str:
    return choice if isinstance(choice, str) else shown(choice)


def _described_type(node: dict) -> str:
    kind = node.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _described_range(node)
    if kind == "string":
        return "text" + _described_count(node, "minLength", "maxLength", "characters", prefix=" of ")
    if kind == "array":
        entries = _described_count(node, "minItems", "maxItems", "entries", prefix=" of ") or " of entries"
        return f"a list{entries}, each {described(node['items'])}"
    if kind == "object":
        keys = ", ".join(node.get("properties", {}))
        return f"a mapping with the keys {keys}" if keys else "a mapping"
    return {"boolean": "true or false"}.get(str(kind), "plain values")


def _described_range(node: dict) -> str:
    if "minimum" in node and "maximum" in node:
        return f" from {node['minimum']} to {node['maximum']}"
    bounds = [f"{word} {node[bound]}" for bound, word in BOUNDS.items() if bound in node]
    return f" {' and '.join(bounds)}" if bounds else ""


def _described_count(node: dict, least: str, most: str, unit: str, prefix: str) -> str:
    low, high = node.get(least), node.get(most)
    if high is None:
        return f"{prefix}at least {low} {unit}" if low else ""
    return f"{prefix}{low} to {high} {unit}" if low else f"{prefix}at most {high} {unit}"
