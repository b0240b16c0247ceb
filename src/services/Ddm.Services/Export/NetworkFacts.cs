using System.Text.Json.Nodes;
using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>The <c>config.json</c> of an exported network: everything that <c>ddm import</c> reads of one, and what a reader in another language needs.</summary>
internal static class NetworkFacts
{
    /// <summary>The config of an expert.</summary>
    public static JsonObject OfExpert(int k, DiTConfig shape, Parametrization parametrization)
    {
        var config = new JsonObject { ["_class_name"] = "DDMExpert", ["expert_id"] = k };
        AddShape(config, shape);
        config["out_channels"] = shape.OutputChannels;
        config["learn_sigma"] = shape.LearnSigma;
        config["prediction"] = Word(parametrization.Prediction);
        config["time"] = Time(parametrization.Direction, parametrization.TimeScale);
        if (parametrization.Schedule is { } schedule)
        {
            config["schedule"] = Word(schedule);
        }

        return config;
    }

    /// <summary>The config of a router.</summary>
    public static JsonObject OfRouter(DiTConfig shape, int experts)
    {
        var config = new JsonObject { ["_class_name"] = "DDMRouter", ["num_clusters"] = experts };
        AddShape(config, shape);
        config["head"] = shape.MlpHead ? "mlp" : "adaln";
        config["time"] = Time(TimeDirection.DataToNoise, shape.TimeScale);
        return config;
    }

    private static void AddShape(JsonObject config, DiTConfig shape)
    {
        config["input_size"] = shape.ImageSize;
        config["in_channels"] = shape.Channels;
        config["patch_size"] = shape.Patch;
        config["hidden_size"] = shape.Hidden;
        config["depth"] = shape.Depth;
        config["num_heads"] = shape.Heads;
        config["mlp_ratio"] = shape.MlpRatio;
        config["norm_eps"] = shape.NormEps;
        config["num_classes"] = shape.Classes;
        config["positions"] = shape.StoredPositions ? "stored" : "sines";
        if (shape.Text is { } text)
        {
            config["text_tokens"] = text.Tokens;
            config["text_embed_dim"] = text.Width;
            config["text_vocabulary"] = text.Vocabulary;
        }
    }

    private static JsonObject Time(TimeDirection direction, double scale)
        => new() { ["direction"] = direction == TimeDirection.DataToNoise ? "data-to-noise" : "noise-to-data", ["scale"] = scale };

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
