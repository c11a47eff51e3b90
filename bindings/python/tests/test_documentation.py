"""What is public is documented, and its examples run."""

import doctest
import importlib
import inspect
import pkgutil

import libcni
import pytest

MODULES = sorted(
    {"libcni", *(module.name for module in pkgutil.walk_packages(libcni.__path__, "libcni."))} - {"libcni.__main__"}
)


class Canned:
    """Runs no plugin."""

    def find_in_path(self, request):
        return f"/canned/{request.plugin}"

    def exec_plugin(self, request):
        return {"cniVersion": "1.1.0", "supportedVersions": ["1.1.0"]}


def documented():
    """Every public object, and every public member of a class."""
    for name in libcni.__all__:
        value = getattr(libcni, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        yield name, value
        if inspect.isclass(value):
            for member, attribute in vars(value).items():
                is_property = isinstance(attribute, property) or inspect.isdatadescriptor(attribute)
                if not member.startswith("_") and (callable(attribute) or is_property):
                    yield f"{name}.{member}", attribute


def test_everything_public_is_documented():
    # The slots of dataclasses and the like describe themselves as their class does.
    missing = [name for name, value in documented() if not (inspect.getdoc(value) or "").strip()]
    assert missing == []


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_a_module(module):
    imported = importlib.import_module(module)
    names = vars(imported) | {"libcni": libcni, "canned": Canned()}
    finder = doctest.DocTestFinder()
    run_examples(finder.find(imported, module, extraglobs={"libcni": libcni, "canned": Canned()}), names)


@pytest.mark.parametrize("name", ["Context", "NetworkConfigList", "PluginConfig"])
def test_examples_of_a_native_class(name):
    finder = doctest.DocTestFinder()
    tests = finder.find(getattr(libcni, name), name, module=False, globs={"libcni": libcni})
    assert any(test.examples for test in tests)
    run_examples(tests, {})


def run_examples(tests, names):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    for test in tests:
        runner.run(test, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0


def test_the_version_is_the_one_of_the_package():
    from importlib.metadata import version

    assert libcni.__version__ == version("libcni")
