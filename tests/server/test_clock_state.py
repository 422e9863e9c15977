"""What the kernel says of its clock."""

from server.clock_state import clock_state


def test_the_state_says_yes_no_or_unknown_and_figures_are_numbers() -> None:
    state = clock_state()
    assert state["synchronised"] in {"yes", "no", "unknown"}
    if state["synchronised"] != "unknown":
        assert int(state["estimated_error_us"]) <= int(state["maximal_error_us"])
