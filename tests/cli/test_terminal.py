"""Text from elsewhere, made safe for a terminal."""

from core.cli.terminal import dim, plain


def test_control_characters_go_and_text_stays():
    assert plain("a\x1b]0;title\x07b\x9b2Jc\r\x00\x7f") == "a]0;titleb2Jc"
    assert plain("tab\tline\nwörld 你😀") == "tab\tline\nwörld 你😀"


def test_dim():
    assert dim("x") == "\x1b[2mx\x1b[22m"
