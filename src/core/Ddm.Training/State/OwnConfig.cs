using System.Text.Json.Nodes;
using Ddm.Diffusion;

namespace Ddm.Training;

/// <summary>
/// What tensors of ours do not say about their network, under the names of a <c>config.json</c>: kept in the header of a weight file, so that it can be read by itself.
/// </summary>
internal static class OwnConfig
{
    /// <summary>One line of JSON, the same for the same shape.</summary>
    public static string Of(TransformerTrunk network)
    {
        var shape = network.Config;
        var config = new JsonObject
        {
            ["time"] = new JsonObject { ["direction"] = "data-to-noise", ["scale"] = shape.TimeScale },
            ["num_heads"] = shape.Heads,
            ["input_size"] = shape.ImageSize,
        };
        if (network is DiT)
        {
            config.Insert(0, "prediction", "velocity");
        }

        if (shape.Text is { } text)
        {
            config["text_tokens"] = text.Tokens;
        }

        return config.ToJsonString();
    }
}
