using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Our text encoder against OpenAI's and Hugging Face's on the same weights, for every folder clip-text*.</summary>
public class ClipTextParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("clip-text");

    [Theory]
    [MemberData(nameof(Folders))]
    public void StatesEqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(folder);
        using var file = WeightFile.Open(folder);
        using var encoder = ClipTextEncoder.Load(file);
        foreach (var kind in fixture.Suffixes("input_ids_"))
        {
            var (last, pooled) = encoder.Forward(fixture["input_ids_" + kind].to(ScalarType.Int64));
            Assert.InRange(Fixture.Distance(last, fixture["last_hidden_state_" + kind]), 0, 1e-4);
            Assert.InRange(Fixture.Distance(pooled, fixture["pooled_" + kind]), 0, 1e-4);
        }
    }
}
