using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Our DINOv2 against facebookresearch/dinov2 and Hugging Face on the same weights, for every folder dinov2*.</summary>
public class DinoV2ParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("dinov2");

    [Theory]
    [MemberData(nameof(Folders))]
    public void TokensEqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(folder);
        using var network = Load(folder);
        foreach (var size in fixture.Suffixes(Input(fixture)))
        {
            var tokens = network.Forward(fixture[Input(fixture) + size]);
            var patches = tokens.narrow(1, 1 + network.Config.Registers, tokens.size(1) - 1 - network.Config.Registers);
            var expected = Input(fixture) == "input_"
                ? (Cls: fixture["x_norm_clstoken_" + size], Patches: fixture["x_norm_patchtokens_" + size])
                : (Cls: fixture["pooler_output_" + size], Patches: fixture["last_hidden_state_" + size].narrow(1, 1 + network.Config.Registers, patches.size(1)));
            Assert.InRange(Fixture.Distance(tokens.select(1, 0), expected.Cls), 0, 1e-4);
            Assert.InRange(Fixture.Distance(patches, expected.Patches), 0, 1e-4);
            Assert.InRange(Fixture.Distance(patches.mean([1L]), fixture["pooled_mean_patchtokens_" + size]), 0, 1e-4);
            if (fixture.Tensors.TryGetValue("x_norm_regtokens_" + size, out var registers))
            {
                Assert.InRange(Fixture.Distance(tokens.narrow(1, 1, network.Config.Registers), registers), 0, 1e-4);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheResampledPositionTableEqualsTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(folder);
        using var network = Load(folder);
        var name = Input(fixture) == "input_" ? "pos_embed_" : "position_embeddings_";
        foreach (var size in fixture.Suffixes(name))
        {
            var sides = size.Split('x').Select(int.Parse).ToArray();
            Assert.InRange(Fixture.Distance(network.Positions(sides[0] / network.Config.Patch, sides[1] / network.Config.Patch), fixture[name + size]), 0, 1e-5);
        }
    }

    // The hub's names for the input, or Hugging Face's.
    private static string Input(Fixture fixture) => fixture.Tensors.Keys.Any(name => name.StartsWith("input_", StringComparison.Ordinal)) ? "input_" : "pixel_values_";

    private static DinoV2 Load(string folder)
    {
        using var file = WeightFile.Open(folder);
        return DinoV2.Load(file);
    }
}
