"""When a token is used, when it rests and when it comes back."""

from collections import Counter

import pytest

from core.chat.errors import Blame, ChatError, RateLimited, Unavailable, UpstreamError
from core.chat.ports import NO_TOKEN, Token
from core.gateway.tokens import ANY_MODEL, LONG_PROBE, LONGEST_COOL, QUOTA_COOL, Lease, Pool
from tests.support.road import Clock

A, B, C = (Token(f"x-{number}", f"secret-{letter}") for number, letter in enumerate("abc", 1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pool(clock: Clock, *tokens: Token, jitter: float = 0.0) -> Pool:
    return Pool(tokens, clock, lambda: jitter)


def limited(after: float | None = None) -> UpstreamError:
    return UpstreamError("Slow down.", status=429, code="rate_limited", retry_after=after, blame=Blame.COOL)


def error(blame: Blame, code: str = "it_failed") -> UpstreamError:
    return UpstreamError("No.", code=code, blame=blame)


def taken(tokens: Pool, times: int, model: str = "m") -> list[str]:
    leases = [tokens.take(model) for _ in range(times)]
    return [lease.token.secret for lease in leases]


def exhausted(tokens: Pool, model: str = "m") -> ChatError:
    with pytest.raises(ChatError) as caught:
        tokens.take(model)
    return caught.value


def wait_of(tokens: Pool, model: str = "m") -> float | None:
    """What a caller is told: the Retry-After of a pool where everything rests."""
    found = exhausted(tokens, model)
    assert isinstance(found, RateLimited)
    return found.retry_after


# Whose turn it is


def test_tokens_take_turns(clock):
    assert taken(pool(clock, A, B, C), 7) == [token.secret for token in (A, B, C, A, B, C, A)]


def test_instances_start_at_different_tokens(clock):
    firsts = Counter(taken(pool(clock, A, B, C, jitter=chance / 100), 1)[0] for chance in range(100))
    assert set(firsts) == {A.secret, B.secret, C.secret}
    assert min(firsts.values()) > 20


def test_a_start_is_random_for_tokens_that_come_later_too(clock):
    """A pool is made before anyone has read the secrets."""
    starts = set()
    for chance in range(100):
        tokens = pool(clock, jitter=chance / 100)
        tokens.replace([A, B, C])
        starts.add(taken(tokens, 1)[0])
    assert len(starts) == 3


def test_a_token_may_be_left_out(clock):
    tokens = pool(clock, A, B)
    assert [tokens.take("m", [A]).token for _ in range(2)] == [B, B]


def test_no_token_at_all(clock):
    assert isinstance(exhausted(pool(clock)), Unavailable)


# Cooling


def test_retry_after_is_kept_to_the_moment(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(limited(after=2.0))
    clock.advance(1.9)
    assert exhausted(tokens).status == 429
    clock.advance(0.1)
    assert tokens.take("m").token == A


def test_others_take_over_while_one_cools(clock):
    tokens = pool(clock, A, B)
    tokens.take("m").failed(limited(after=60.0))
    assert taken(tokens, 3) == [B.secret] * 3


def test_a_token_cools_for_one_model_only(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(limited(after=60.0))
    assert tokens.take("other").token == A


def test_without_retry_after_every_pause_is_twice_the_last(clock):
    tokens = pool(clock, A)
    pauses = []
    for _ in range(9):
        tokens.take("m").failed(limited())
        pauses.append(wait_of(tokens))
        clock.advance(pauses[-1])
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_chance_makes_a_pause_longer_but_never_longer_than_the_longest(clock):
    tokens = pool(clock, A, jitter=0.8)
    pauses = []
    for _ in range(8):
        tokens.take("m").failed(limited())
        pauses.append(wait_of(tokens))
        clock.advance(pauses[-1])
    assert pauses[:2] == [6, 12]
    assert pauses[-1] == LONGEST_COOL


def test_a_thousand_failures_in_a_row_can_be_counted(clock):
    tokens = pool(clock, A)
    for _ in range(2000):
        tokens.take("m").failed(limited())
        clock.advance(LONGEST_COOL)
    tokens.take("m").failed(limited())
    assert wait_of(tokens) == LONGEST_COOL


def test_a_new_cool_down_never_shortens_the_old_one(clock):
    tokens = pool(clock, A)
    first, second = tokens.take("m"), tokens.take("m")
    first.failed(limited(after=60.0))
    second.failed(limited(after=2.0))
    assert wait_of(tokens) == 60


def test_a_longer_cool_down_counts(clock):
    tokens = pool(clock, A)
    first, second = tokens.take("m"), tokens.take("m")
    first.failed(limited(after=2.0))
    second.failed(limited(after=60.0))
    assert wait_of(tokens) == 60


def test_requests_that_fail_together_are_one_failure(clock):
    """Twenty at once that are all refused must not put a token to rest for five minutes."""
    tokens = pool(clock, A)
    for lease in [tokens.take("m") for _ in range(20)]:
        lease.failed(limited())
    assert wait_of(tokens) == 5


def test_asking_does_not_extend_a_cool_down(clock):
    tokens = pool(clock, A, B)
    for after in (30.0, 20.0):
        tokens.take("m").failed(limited(after))
    for _ in range(5):
        clock.advance(1)
        exhausted(tokens)
    assert wait_of(tokens) == 15


def test_the_shortest_wait_is_told_and_never_less_than_a_second(clock):
    tokens = pool(clock, A, B)
    for after in (30.0, 20.0):
        tokens.take("m").failed(limited(after))
    assert wait_of(tokens) == 20
    assert tokens.wait("m") == 20
    clock.advance(19.9)
    assert wait_of(tokens) == 1


# Half open


def recovering(clock: Clock, *tokens: Token) -> Pool:
    """A pool whose first token has just finished cooling."""
    recovered = pool(clock, *tokens)
    recovered.take("m").failed(limited(after=5.0))
    clock.advance(5)
    return recovered


def test_after_a_rest_one_request_at_a_time_tries(clock):
    tokens = recovering(clock, A)
    tokens.take("m")
    assert wait_of(tokens) == 1
    assert tokens.wait("m") == 0


def test_others_go_on_while_one_is_probed(clock):
    tokens = recovering(clock, A, B)
    assert taken(tokens, 4) == [B.secret, A.secret, B.secret, B.secret]


def test_a_probe_that_succeeds_opens_the_token_for_all(clock):
    tokens = recovering(clock, A)
    tokens.take("m").succeeded()
    assert taken(tokens, 3) == [A.secret] * 3
    assert tokens.states() == []


def test_the_pauses_begin_anew_after_a_success(clock):
    tokens = recovering(clock, A)
    tokens.take("m").succeeded()
    tokens.take("m").failed(limited())
    assert wait_of(tokens) == 5


def test_a_probe_that_fails_closes_it_for_longer(clock):
    tokens = recovering(clock, A)
    tokens.take("m").failed(limited())
    assert wait_of(tokens) == 10


def test_a_probe_that_nobody_waited_for_is_no_failure(clock):
    tokens = recovering(clock, A)
    tokens.take("m").dropped()
    probe = tokens.take("m")
    probe.failed(limited())
    assert wait_of(tokens) == 10


def test_a_probe_that_the_network_failed_can_be_made_again(clock):
    tokens = recovering(clock, A)
    tokens.take("m").failed(error(Blame.NOTHING))
    assert tokens.take("m").token == A


def test_saying_twice_that_a_probe_is_over_frees_no_other_one(clock):
    tokens = recovering(clock, A)
    first = tokens.take("m")
    first.failed(error(Blame.NOTHING))
    tokens.take("m")
    first.dropped()
    first.succeeded()
    assert wait_of(tokens) == 1


def test_a_success_that_began_before_the_rest_does_not_end_it(clock):
    tokens = pool(clock, A)
    early = tokens.take("m")
    tokens.take("m").failed(limited(after=60.0))
    early.succeeded()
    assert wait_of(tokens) == 60


# Quota, refusals


def test_an_empty_account_rests_for_an_hour_with_all_its_models(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(Blame.QUOTA))
    assert wait_of(tokens, "other") == QUOTA_COOL
    clock.advance(QUOTA_COOL)
    tokens.take("other").failed(error(Blame.QUOTA))
    assert wait_of(tokens) == QUOTA_COOL


def test_a_refused_token_is_out_until_a_long_probe(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(Blame.DISABLE))
    clock.advance(LONG_PROBE - 1)
    assert exhausted(tokens, "other").code == "upstream_credentials_unavailable"
    assert tokens.wait("m") is None
    clock.advance(1)
    probe = tokens.take("m")
    assert exhausted(tokens).status == 503
    probe.succeeded()
    assert taken(tokens, 2) == [A.secret] * 2


def test_a_long_probe_that_fails_is_a_refusal_again(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(Blame.DISABLE))
    clock.advance(LONG_PROBE)
    tokens.take("m").failed(error(Blame.DISABLE))
    clock.advance(LONG_PROBE - 1)
    assert exhausted(tokens).status == 503


def test_a_late_quota_error_does_not_make_a_refused_token_one_that_waits(clock):
    tokens = pool(clock, A)
    early = tokens.take("m")
    tokens.take("m").failed(error(Blame.DISABLE))
    early.failed(error(Blame.QUOTA))
    assert exhausted(tokens).status == 503


def test_a_model_may_be_denied_to_a_token_that_is_good_for_others(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(Blame.DENY))
    assert exhausted(tokens, "m").status == 503
    assert tokens.take("other").token == A
    clock.advance(LONG_PROBE)
    assert tokens.take("m").token == A


def test_refused_and_resting_together_are_a_matter_of_waiting(clock):
    tokens = pool(clock, A, B)
    tokens.take("m").failed(error(Blame.DISABLE))
    tokens.take("m").failed(limited(after=40.0))
    assert wait_of(tokens) == 40


def test_where_there_is_no_credential_a_refusal_is_no_reason_to_give_up_for_hours(clock):
    tokens = pool(clock, NO_TOKEN)
    tokens.take("m").failed(error(Blame.DISABLE))
    assert exhausted(tokens).status == 503
    clock.advance(5)
    assert tokens.take("m").token == NO_TOKEN


@pytest.mark.parametrize("blame", [blame for blame in Blame if blame is not Blame.NOTHING])
def test_every_blame_lays_the_token_to_rest(clock, blame):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(blame, code="why"))
    [(token, model, rest)] = tokens.states()
    assert (token, rest.reason, rest.until > clock()) == (A, "why", True)
    assert model == ("m" if blame in {Blame.COOL, Blame.DENY} else ANY_MODEL)


def test_what_is_not_the_tokens_fault_leaves_no_trace(clock):
    tokens = pool(clock, A)
    tokens.take("m").failed(error(Blame.NOTHING))
    assert tokens.states() == []


# New secrets


def refused(clock: Clock, token: Token) -> tuple[Pool, Lease]:
    """A pool of `token` and B, with `token` refused, and a lease of it that is still under way."""
    tokens = pool(clock, token, B)
    early = tokens.take("m")
    tokens.take("m", [B]).failed(error(Blame.DISABLE))
    return tokens, early


def test_tokens_that_stay_keep_their_state_under_another_label(clock):
    tokens, _ = refused(clock, A)
    tokens.replace([C, Token("x-2", A.secret)])
    assert taken(tokens, 3) == [C.secret] * 3
    assert [(token.label, rest.disabled) for token, _, rest in tokens.states()] == [("x-2", True)]


def test_a_token_that_went_leaves_nothing_to_the_one_in_its_place(clock):
    tokens, _ = refused(clock, A)
    tokens.replace([Token(A.label, "secret-new"), B])
    assert set(taken(tokens, 4)) == {"secret-new", B.secret}


def test_a_request_with_an_old_token_does_not_blame_the_new_one(clock):
    tokens, early = refused(clock, A)
    tokens.replace([Token(A.label, "secret-new")])
    early.failed(error(Blame.DISABLE))
    assert taken(tokens, 2) == ["secret-new"] * 2


def test_a_probe_goes_on_across_a_rotation(clock):
    tokens = recovering(clock, A)
    probe = tokens.take("m")
    tokens.replace([Token("x-9", A.secret)])
    assert wait_of(tokens) == 1
    probe.succeeded()
    assert tokens.take("m").token.label == "x-9"


def test_a_token_whose_other_secrets_changed_is_a_new_token(clock):
    device = Token("x-1", "same", {"DEVICE": "old"})
    tokens, _ = refused(clock, device)
    tokens.replace([Token("x-1", "same", {"DEVICE": "new"})])
    assert tokens.take("m").token.others == {"DEVICE": "new"}


def test_no_secret_shows_when_a_token_is_printed():
    assert "secret-a" not in repr(Token("x-1", "secret-a", {"DEVICE": "secret-a"}))
