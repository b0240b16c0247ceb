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
    public void DistanceCountsEdits(string a, string b, int expected) => Assert.Equal(expected, Suggestion.Distance(a, b));

    [Fact]
    public void DistanceIsSymmetricAndBounded() => Gen.Select(Gen.String[0, 12], Gen.String[0, 12]).Sample((a, b) =>
    {
        var distance = Suggestion.Distance(a, b);
        Assert.Equal(distance, Suggestion.Distance(b, a));
        Assert.InRange(distance, Math.Abs(a.Length - b.Length), Math.Max(a.Length, b.Length));
    });

    [Fact]
    public void NothingNearIsNoSuggestion()
    {
        Assert.Null(Suggestion.Nearest("x", ["steps", "t"]));
        Assert.Null(Suggestion.Nearest(new string('s', 5000), ["steps"]));
        Assert.Equal("image_size", Suggestion.Nearest("ImageSize", ["source", "image_size"]));
    }
}
