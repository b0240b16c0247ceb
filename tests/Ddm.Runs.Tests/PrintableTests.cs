namespace Ddm.Runs.Tests;

public class PrintableTests
{
    [Fact]
    public void EightyCharactersStandWholeAndMoreAreCut()
    {
        var whole = new string('x', 80);
        Assert.Equal(whole, Printable.Text(whole));
        Assert.Equal(whole + "...", Printable.Text(whole + "x"));
    }

    [Theory]
    [InlineData("caf\u00e9 \U0001F600", "caf\u00e9 \U0001F600")]
    [InlineData("a\u001bb", @"a\u{1b}b")]
    [InlineData("a\u200eb", @"a\u{200e}b")]
    [InlineData("a\u2028b", @"a\u{2028}b")]
    [InlineData("a\u2029b", @"a\u{2029}b")]
    [InlineData("a\ue000b", @"a\u{e000}b")]
    [InlineData("a\u0378b", @"a\u{378}b")]
    public void WhatATerminalMightObeyIsEscaped(string text, string printable) => Assert.Equal(printable, Printable.Text(text));
}
