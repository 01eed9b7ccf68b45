"""From a model's name to the upstreams that can answer for it."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from core.chat.errors import UnknownModel, UpstreamError
from core.chat.settings import Models
from core.gateway.catalogue import Catalogue
from tests.support.road import Road, Scripted


def catalogue(
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
    fixed: Mapping[str, Models] | None = None,
    discovered: Mapping[str, Sequence[str] | Exception] | None = None,
) -> Catalogue:
    """A catalogue of providers with a fixed list and, after them, of those that tell their models themselves."""
    return Catalogue(road(fixed, discovered).upstreams, aliases or {})


def road(fixed: Mapping[str, Models] | None = None, discovered: Mapping[str, Sequence[str] | Exception] | None = None):
    fixed, discovered = fixed or {}, discovered or {}
    providers = {name: Scripted() for name in fixed} | {name: Scripted(models=ids) for name, ids in discovered.items()}
    return Road(providers, models={**fixed, **dict.fromkeys(discovered, "discover")})


async def routes(of: Catalogue, model: str) -> list[str]:
    return [f"{route.upstream.name}:{route.model}" for route in await of.routes(model)]


async def test_an_alias_leads_where_the_configuration_says_in_its_order():
    of = catalogue(
        aliases={"best": ["b/large", "a/big"]},
        fixed={"a": {"big": "vendor/big-1"}},
        discovered={"b": ["large", "best"]},
    )
    assert await routes(of, "best") == ["b:large", "a:vendor/big-1"]


async def test_an_alias_may_lead_to_an_id_that_the_fixed_list_keeps_back():
    of = catalogue(aliases={"best": ["a/hidden"]}, fixed={"a": {"big": "big"}})
    assert await routes(of, "best") == ["a:hidden"]
    with pytest.raises(UnknownModel):
        await of.routes("a/hidden")


async def test_an_alias_asks_nobody_for_a_list():
    here = road(discovered={"a": ["x"]})
    await Catalogue(here.upstreams, {"best": ["a/x"]}).routes("best")
    assert here.upstreams["a"].never_asked


async def test_a_listed_id_leads_to_all_who_list_it_in_the_order_of_the_configuration():
    of = catalogue(fixed={"a": {"m": "m-1"}, "c": {"other": "x"}}, discovered={"b": ["m"], "d": ["n"]})
    assert await routes(of, "m") == ["a:m-1", "b:m"]


async def test_a_provider_can_be_named():
    of = catalogue(fixed={"a": {"m": "m-1"}}, discovered={"b": ["m"]})
    assert await routes(of, "b/m") == ["b:m"]
    assert await routes(of, "a/m") == ["a:m-1"]


async def test_an_id_may_hold_slashes_and_begin_like_a_providers_name():
    of = catalogue(discovered={"openai": ["gpt"], "router": ["openai/gpt", "deep/seek/v3"]})
    assert await routes(of, "openai/gpt") == ["openai:gpt", "router:openai/gpt"]
    assert await routes(of, "router/openai/gpt") == ["router:openai/gpt"]
    assert await routes(of, "deep/seek/v3") == ["router:deep/seek/v3"]
    assert await routes(of, "router/deep/seek/v3") == ["router:deep/seek/v3"]


async def test_a_pattern_lets_matching_ids_through():
    of = catalogue(fixed={"a": {"claude-*": "claude-*"}})
    assert await routes(of, "claude-opus") == ["a:claude-opus"]
    assert await routes(of, "a/claude-opus") == ["a:claude-opus"]
    with pytest.raises(UnknownModel):
        await of.routes("gpt")


async def test_a_pattern_does_not_claim_what_another_provider_is_asked_for_by_name():
    """Else a conversation would go where nobody meant it to go, as soon as the one that was named fails."""
    of = catalogue(fixed={"all": {"*": "*"}, "a": {"m": "m-1"}}, discovered={"b": ["m"]})
    assert await routes(of, "a/m") == ["a:m-1"]
    assert await routes(of, "b/m") == ["b:m"]
    assert await routes(of, "m") == ["all:m", "a:m-1", "b:m"]
    assert await routes(of, "vendor/m") == ["all:vendor/m"]


async def test_a_provider_that_discovers_is_believed_to_have_what_is_asked_of_it_by_name():
    of = catalogue(discovered={"b": ["m"]})
    assert await routes(of, "b/brand-new") == ["b:brand-new"]


@pytest.mark.parametrize("model", ["nothing", "a/nothing", "nobody/m", "a/", "/m", "m/", "", "a"])
async def test_what_nobody_has(model):
    of = catalogue(fixed={"a": {"m": "m"}}, discovered={"b": ["n"]})
    with pytest.raises(UnknownModel):
        await of.routes(model)


async def test_who_cannot_tell_what_they_have_may_have_it():
    of = catalogue(fixed={"a": {"m": "m"}}, discovered={"b": ["n"], "c": UpstreamError("down"), "d": []})
    assert await routes(of, "x") == ["c:x", "d:x"]
    assert await routes(of, "m") == ["a:m"], "nobody is guessed at where somebody is known"


async def test_a_bug_in_a_providers_list_is_nobody_elses_trouble():
    of = catalogue(discovered={"bad": KeyError("models"), "b": ["m"]})
    assert await routes(of, "m") == ["b:m"]
    assert [listed.id for listed in await of.models()] == ["m"]


async def test_those_who_ask_first_together_all_get_the_whole_list():
    of = catalogue(discovered={"a": ["m"], "b": ["n"]})
    lists = await asyncio.gather(*[of.models() for _ in range(5)])
    assert [[listed.id for listed in models] for models in lists] == [["m", "n"]] * 5


class Gated(Scripted):
    """Tells its models when the gate opens."""

    def __init__(self, *models: str) -> None:
        super().__init__(models=models)
        self.asked_now = asyncio.Event()
        self.gate = asyncio.Event()

    async def models(self, token):
        self.asked_now.set()
        await self.gate.wait()
        return await super().models(token)


async def test_all_are_asked_at_once():
    a, b = Gated("m"), Gated("n")
    here = Road({"a": a, "b": b}, models={"a": "discover", "b": "discover"})
    asking = asyncio.create_task(Catalogue(here.upstreams, {}).routes("n"))
    await asyncio.gather(a.asked_now.wait(), b.asked_now.wait())
    a.gate.set()
    b.gate.set()
    [route] = await asking
    assert route.upstream.name == "b"


async def test_a_model_that_is_known_waits_for_nobodys_new_list():
    known, slow = Scripted(models=["m"]), Gated("n")
    here = Road({"slow": slow, "known": known}, models={"known": "discover", "slow": "discover"})
    of = Catalogue(here.upstreams, {})
    slow.gate.set()
    await of.models()
    slow.asked_now.clear()
    here.clock.advance(10_000)
    assert await routes(of, "m") == ["known:m"]
    assert not slow.asked_now.is_set()
    assert await routes(of, "n") == ["slow:n"]


async def test_a_model_that_is_new_upstream_is_found_once_the_list_is_old():
    provider = Scripted(models=["m"])
    here = Road({"a": provider}, models={"a": "discover"})
    of = Catalogue(here.upstreams, {})
    await of.models()
    provider.offers = ["m", "new"]
    with pytest.raises(UnknownModel):
        await of.routes("new")
    here.clock.advance(600)
    assert await routes(of, "new") == ["a:new"]


async def test_the_list_names_each_model_once_with_who_answers_first():
    of = catalogue(
        aliases={"best": ["b/large"], "m": ["b/m"]},
        fixed={"a": {"m": "m-1", "fast": "f-1", "claude-*": "claude-*"}},
        discovered={"b": ["m", "large"]},
    )
    listed = await of.models()
    assert [(model.id, model.provider) for model in listed] == [
        ("best", "b"),
        ("m", "b"),
        ("fast", "a"),
        ("large", "b"),
    ]


async def test_what_a_model_makes_is_known_by_its_configured_name_and_behind_an_alias():
    road = Road(
        {"a": Scripted(), "b": Scripted(models=["flux-1"])},
        models={"a": {"draw": "dall-e-3", "talk": "gpt-4o"}, "b": "discover"},
        aliases={"picture": ["b/flux-1"], "film": ["b/sora-2"], "other": ["a/draw"]},
    )
    kinds = {listed.id: listed.info.kind for listed in await road.gateway.list_models()}
    assert kinds == {
        "draw": "image",
        "talk": "chat",
        "picture": "chat",
        "film": "video",
        "other": "image",
        "flux-1": "chat",
    }
