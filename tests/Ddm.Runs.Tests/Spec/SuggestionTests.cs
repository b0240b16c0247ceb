using CsCheck;

namespace Ddm.Runs.Tests;

public class SuggestionTests
{
    [Theory]
    [InlineData("", "abc", 3)]
    [InlineData("steps", "step", 1)]
    [InlineData("bacth", "batch", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("same", "same", 0)]
    [InlineData("ab", "ba", 1)]
    [InlineData("xab", "xba", 1)]
    [InlineData("ca", "abc", 3)]
    public void DistanceCountsEdits(string a, string b, int expected) => Assert.Equal(expected, Suggestion.Distance(a, b));

    [Fact]
    public void DistanceIsSymmetricAndBounded() => Gen.Select(Gen.String[0, 12], Gen.String[0, 12]).Sample((a, b) =>
    {
        var distance = Suggestion.Distance(a, b);
        Assert.Equal(distance, Suggestion.Distance(b, a));
        Assert.InRange(distance, Math.Abs(a.Length - b.Length), Math.Max(a.Length, b.Length));
    });

    /// <summary>A third of the letters may be wrong, of a short word one, and never all of it.</summary>
    [Theory]
    [InlineData("abcdef", "abcdxy", true)]
    [InlineData("abcdef", "abcxyz", false)]
    [InlineData("ab", "ax", true)]
    [InlineData("a", "b", false)]
    [InlineData("abcd", "abcdef", true)]
    [InlineData("abcdef", "abcd", true)]
    public void NearIsAThirdOfTheLetters(string word, string known, bool near) => Assert.Equal(near ? known : null, Suggestion.Nearest(word, [known]));

    [Fact]
    public void SixtyFourLettersAreComparedAndMoreAreNot()
    {
        var longest = new string('s', 64);
        Assert.Equal(longest, Suggestion.Nearest(longest, [longest]));
        Assert.Null(Suggestion.Nearest(longest + "s", [longest]));
    }

    [Fact]
    public void NothingNearIsNoSuggestion()
    {
        Assert.Null(Suggestion.Nearest("x", ["steps", "t"]));
        Assert.Null(Suggestion.Nearest(new string('s', 5000), ["steps"]));
        Assert.Equal("image_size", Suggestion.Nearest("ImageSize", ["source", "image_size"]));
    }
}
