using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Captions as networks take them.</summary>
public class CaptionEncoderTests
{
    private static readonly TextSpec Learned = new() { Encoder = TextSpec.Learned, Tokens = 6, Width = 32 };

    [Fact]
    public void AVocabularyNumbersTokensByTheirCount()
    {
        using var vocabulary = TokenVocabulary.Fit(["red cat", "red dog", "a red cat"], Learned);
        Assert.Equal(new TextShape(6, 32, TextShape.FirstToken + 4), vocabulary.Shape);
        Assert.Equal([3, 4, 0, 0, 0, 0], Row(vocabulary, "Red  CAT"));
        Assert.Equal([3, TextShape.UnknownToken, 0, 0, 0, 0], Row(vocabulary, "red bird"));
        Assert.Equal([3, 3, 3, 3, 3, 3], Row(vocabulary, "red red red red red red red"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void NoCaptionIsTheNullToken(string? caption)
    {
        using var vocabulary = TokenVocabulary.Fit(["red cat"], Learned);
        Assert.Equal([TextShape.NullToken, 0, 0, 0, 0, 0], Row(vocabulary, caption));
    }

    [Fact]
    public void RareTokensAreUnknownWhereTheVocabularyIsFull()
    {
        using var vocabulary = TokenVocabulary.Fit(["red cat", "red dog", "red cat"], Learned with { Vocabulary = 8 });
        using var small = TokenVocabulary.Fit(["red cat", "red dog", "red cat", "a b c d e f"], Learned with { Vocabulary = 8 });
        Assert.Equal(6, vocabulary.Shape.Vocabulary);
        Assert.Equal(8, small.Shape.Vocabulary);
        Assert.Equal(TextShape.UnknownToken, Row(small, "f")[0]);
    }

    [Fact]
    public void AVocabularyIsReadBackAsItWasWritten()
    {
        using var vocabulary = TokenVocabulary.Fit(["red cat", "a red dog"], Learned);
        using var file = new MemoryStream();
        vocabulary.Save(file);
        file.Position = 0;
        using var bundle = TensorFile.Load(file);
        using var read = CaptionEncoders.Open(6, "text/encoder.safetensors", bundle);
        Assert.Equal(vocabulary.Shape, read.Shape);
        Assert.Equal(Row(vocabulary, "a dog, red"), Row(read, "a dog, red"));
    }

    [Fact]
    public void WithoutAnyCaptionThereIsNothingToLearn()
        => Assert.Contains("no training image has a caption", Assert.Throws<UserErrorException>(() => TokenVocabulary.Fit([], Learned)).Message, StringComparison.Ordinal);

    /// <summary>The fixture's vocabulary is cut down: its end is not CLIP's, and texts would never end.</summary>
    [Fact]
    public void ACutDownClipIsRefused()
    {
        using var file = WeightFile.Open(Path.Combine(FixtureFolders.InRepository(), "clip-text-tiny"));
        Assert.Contains("with 49407 in CLIP's vocabulary", Assert.Throws<UserErrorException>(() => ClipCaptions.Open(file, 77)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ClipsStatesAreThoseOfItsEncoderAtEveryPlace()
    {
        using var scope = NewDisposeScope();
        var folder = Directory.CreateTempSubdirectory("ddm-clip-").FullName;
        try
        {
            SmallClip.Write(folder);
            using var file = WeightFile.Open(folder);
            using var captions = ClipCaptions.Open(file, 12);
            Assert.Equal(new TextShape(12, 64, 0), captions.Shape);
            using var encoder = ClipTextEncoder.Load(file);
            var rows = captions.Encode(["a red cat", null, ""]);
            var tokenizer = ClipTokenizer.Published();
            var expected = encoder.Forward(stack([tensor(tokenizer.EncodeRow("a red cat", 12, tokenizer.End).Ids), tensor(tokenizer.EncodeRow("", 12, tokenizer.End).Ids)])).Last;
            Assert.True(rows[0].Equals(expected[0].to(ScalarType.Float16)) && rows[1].Equals(expected[1].to(ScalarType.Float16)) && rows[2].Equals(rows[1]));
            Assert.Contains("77 places", Assert.Throws<UserErrorException>(() => ClipCaptions.Open(file, 78)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int[] Row(ICaptionEncoder encoder, string? caption)
    {
        using var rows = encoder.Encode([caption]);
        return rows.data<int>().ToArray();
    }
}
