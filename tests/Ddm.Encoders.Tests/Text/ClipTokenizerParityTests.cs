using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Encoders.Tests;

/// <summary>Our tokenizer against OpenAI's, for every folder clip-tokenizer*.</summary>
public class ClipTokenizerParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("clip-tokenizer");

    [Theory]
    [MemberData(nameof(Folders))]
    public void EveryTextGivesTheReferencesTokens(string folder)
    {
        var tokenizer = Tokenizer(folder);
        var expected = Read(folder);
        Assert.Equal((expected.GetProperty("start").GetInt32(), expected.GetProperty("end").GetInt32()), (tokenizer.Start, tokenizer.End));
        Assert.All(expected.GetProperty("cases").EnumerateArray(), one =>
        {
            var text = one.GetProperty("text").GetString()!;
            Assert.Equal(Ids(one, "ids"), tokenizer.Encode(text).Select(id => (long)id));
            if (one.TryGetProperty("ids_without_ftfy", out _))
            {
                Assert.Equal(Ids(one, "ids_without_ftfy"), tokenizer.Encode(text, ftfy: false).Select(id => (long)id));
            }
        });
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void RowsAreFilledUpAndLongOnesCutBeforeTheirEnd(string folder)
    {
        var tokenizer = Tokenizer(folder);
        var expected = Read(folder);
        var length = expected.GetProperty("context").GetInt32();
        Assert.All(expected.GetProperty("cases").EnumerateArray(), one =>
        {
            var (row, cut) = tokenizer.EncodeRow(one.GetProperty("text").GetString()!, length, padding: 0);
            Assert.Equal(one.GetProperty("too_long").GetBoolean(), cut);
            long[] whole = [tokenizer.Start, .. Ids(one, "ids"), tokenizer.End];
            Assert.Equal(cut ? Ids(one, "ids77") : [.. whole, .. new long[length - whole.Length]], row);
        });
    }

    private static JsonElement Read(string folder) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "tokens.json"))).RootElement;

    private static long[] Ids(JsonElement one, string name) => [.. one.GetProperty(name).EnumerateArray().Select(id => id.GetInt64())];

    private static ClipTokenizer Tokenizer(string folder)
    {
        var own = Path.Combine(folder, "bpe_simple_vocab_16e6.txt.gz");
        if (!File.Exists(own))
        {
            return ClipTokenizer.Published();
        }

        using var stream = File.OpenRead(own);
        return new ClipTokenizer(stream);
    }
}
