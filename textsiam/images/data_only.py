"""A serialised Keras model is data: it names Keras's own layers and their settings, and nothing that runs code."""

from collections.abc import Iterator
from typing import Any

import keras

from textsiam.errors import TextsiamError

# Layers that run code or read files of their own when they are built.
_REFUSED = {
    "Lambda",
    "TFSMLayer",
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
}
_KERAS: dict[str, type | tuple[type, ...]] = {
    "keras.layers": keras.layers.Layer,
    "keras.initializers": keras.initializers.Initializer,
    "keras.regularizers": keras.regularizers.Regularizer,
    "keras.constraints": keras.constraints.Constraint,
    "keras": (keras.Model, keras.dtype_policies.DTypePolicy),
}
_FUNCTIONAL = ("keras.src.models.functional", "Functional")  # how Keras names a model of the functional interface


def check_data_only(config: Any) -> None:
    """Check that a serialised model names nothing but Keras's own layers and their settings.

    Raises:
        TextsiamError: it names something else.
    """
    for item in _objects(config):
        module, name, registered = item.get("module"), item["class_name"], item.get("registered_name")
        if (module, name) == _FUNCTIONAL:
            continue
        kinds = _KERAS.get(str(module), ())
        found = getattr(_namespace(str(module)), str(name), None) if kinds else None
        own = isinstance(found, type) and issubclass(found, kinds)
        if not own or name in _REFUSED or registered not in (None, name):
            raise TextsiamError(
                f"The encoder has {name!r} of {registered or module!r} in it; a model folder holds no code.",
                "Build it from layers of keras.layers alone, without Lambda.",
            )


def _namespace(module: str) -> Any:
    return getattr(keras, module.removeprefix("keras.")) if "." in module else keras


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Give every serialised object within JSON values."""
    if isinstance(value, dict):
        if "class_name" in value and value["class_name"] not in ("__keras_tensor__", "__tensor__", "__numpy__"):
            yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _objects(item)
