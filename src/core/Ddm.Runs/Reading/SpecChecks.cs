using System.Globalization;

namespace Ddm.Runs;

/// <summary>What single keys cannot tell: the rules between keys. A rule is passed over where one of its keys was refused already.</summary>
internal static class SpecChecks
{
    /// <summary>Attention costs grow with the square of it.</summary>
    private const int MostTokens = 16_384;

    public static void Check(RunSpec spec, SpecContext context)
    {
        Data(spec, context);
        Latent(spec, context);
        Captions(spec.Text, context);
        Partition(spec.Partition, context);
        Network("model", spec.Model, spec, context);
        Network("router.network", spec.Router.Network, spec, context);
        Init(spec.Init, context);
        Training("experts", spec.Experts, spec.Execution, context);
        Training("router", spec.Router.Training, spec.Execution, context);
        Guidance(spec, context);
    }

    private static void Data(RunSpec spec, SpecContext context)
    {
        var data = spec.Data;
        if (context.Sound("data.channels") && data.Channels == 2)
        {
            context.Refuse("data.channels", "2 is not 1 (grey) or 3 (colour)");
        }

        var values = data.ImageSize * data.ImageSize * data.Channels;
        var pixels = spec.Features.Encoder == FeaturesSpec.Pixels;
        if (context.Sound("data.channels", "data.image_size", "features.dimensions") && pixels && spec.Features.Dimensions > values)
        {
            context.Refuse("features.dimensions", Text($"{spec.Features.Dimensions} is more than the {values} values of one image"));
        }

        if (context.Sound("features.encoder", "features.weights") && pixels == spec.Features.Weights is not null)
        {
            context.Refuse("features.weights", pixels
                ? "the encoder 'pixels' has no weights; leave the key out, or name the encoder that they belong to"
                : $"the encoder '{spec.Features.Encoder}' needs its weights: a safetensors or ONNX file, or the folder with it");
        }
    }

    private static void Latent(RunSpec spec, SpecContext context)
    {
        if (spec.Latent.Vae is null)
        {
            return;
        }

        if (context.Sound("data.image_size", "latent.factor") && spec.Data.ImageSize % spec.Latent.Factor != 0)
        {
            context.Refuse("latent.factor", Text($"{spec.Latent.Factor} does not divide data.image_size {spec.Data.ImageSize}"));
        }
    }

    private static void Captions(TextSpec text, SpecContext context)
    {
        var clip = text.Encoder == TextSpec.Clip;
        if (context.Sound("text.encoder", "text.weights") && clip != text.Weights is not null)
        {
            context.Refuse("text.weights", clip
                ? "the encoder 'clip' needs its weights: a safetensors file, or the folder with it"
                : "belongs to 'encoder: clip'; a learned encoder has no weights of its own yet");
        }

        if (context.Sound("text.encoder", "text.tokens") && text.Encoder is null && text.Tokens is not null)
        {
            context.Refuse("text.tokens", "has no effect without text.encoder; give learned or clip");
        }
    }

    private static void Partition(PartitionSpec partition, SpecContext context)
    {
        if (context.Sound("partition.experts", "partition.fine") && partition.Fine < partition.Experts)
        {
            context.Refuse("partition.fine", Text($"{partition.Fine} fine centroids cannot make {partition.Experts} experts; give at least as many"));
        }

        var centroids = partition.Fine ?? partition.Experts;
        if (context.Sound("partition.experts", "partition.fine", "partition.sample_rows") && partition.SampleRows < centroids)
        {
            context.Refuse("partition.sample_rows", Text($"{partition.SampleRows} rows cannot make {centroids} centroids; give at least as many"));
        }
    }

    private static void Network(string path, NetworkSpec network, RunSpec spec, SpecContext context)
    {
        string[] keys = ["hidden", "depth", "heads", "patch"];
        int[] numbers = [network.Hidden, network.Depth, network.Heads, network.Patch];
        if (!context.Sound([$"{path}.preset", .. keys.Select(key => $"{path}.{key}")]))
        {
            return;
        }

        var given = keys.Where((_, i) => numbers[i] != 0).ToList();
        if (network.Preset is not null && given.Count > 0)
        {
            context.Refuse($"{path}.preset", $"'{network.Preset}' fixes {string.Join(", ", given)}; give a preset or the numbers, not both");
        }
        else if (network.Preset is null && given.Count < keys.Length)
        {
            context.Refuse(path, $"missing {string.Join(", ", keys.Except(given))}; give a preset such as DiT-S/2, or all of {string.Join(", ", keys)}");
        }
        else
        {
            Sizes(path, network, spec, context);
        }
    }

    private static void Sizes(string path, NetworkSpec network, RunSpec spec, SpecContext context)
    {
        var size = NetworkPresets.Resolve(network);
        if (size.Hidden % size.Heads != 0)
        {
            context.Refuse($"{path}.heads", Text($"{size.Heads} heads do not divide hidden {size.Hidden}"));
        }

        if (!context.Sound("data.image_size", "latent.factor") || (spec.Latent.Vae is not null && spec.Data.ImageSize % spec.Latent.Factor != 0))
        {
            return;
        }

        var (pixels, whole) = (spec.Latent.Vae is null, spec.Input().Size);
        var patchPath = network.Preset is null ? $"{path}.patch" : $"{path}.preset";
        var side = whole / size.Patch;
        if (whole % size.Patch != 0)
        {
            context.Refuse(patchPath, pixels
                ? Text($"patch {size.Patch} does not divide data.image_size {whole}")
                : Text($"patch {size.Patch} does not divide the latents' side {whole} (data.image_size {spec.Data.ImageSize} / latent.factor {spec.Latent.Factor})"));
        }
        else if (side * side > MostTokens)
        {
            context.Refuse(patchPath, Text($"patch {size.Patch} cuts an image of {whole} into {side * side} tokens; at most {MostTokens} are possible"));
        }
    }

    private static void Init(InitSpec init, SpecContext context)
    {
        if (!context.Sound("init") || init.Checkpoint is not null || init == new InitSpec())
        {
            return;
        }

        context.Refuse("init.checkpoint", "missing; give the seed's safetensors file or folder, or leave init out");
    }

    private static void Training(string path, TrainingSpec training, ExecutionSpec execution, SpecContext context)
    {
        if (context.Sound($"{path}.warmup", $"{path}.steps") && training.Warmup > training.Steps)
        {
            context.Refuse($"{path}.warmup", Text($"{training.Warmup} steps of warm-up are more than all {training.Steps} steps"));
        }

        if (context.Sound($"{path}.batch", "execution.micro_batch") && execution.MicroBatch is { } micro && training.Batch % micro != 0)
        {
            context.Refuse("execution.micro_batch", Text($"{micro} does not divide {path}.batch {training.Batch}"));
        }

        if (context.Sound($"{path}.learning_rate", $"{path}.final_learning_rate", $"{path}.decay") && training.FinalLearningRate > 0)
        {
            if (training.Decay == LearningRateDecay.Constant)
            {
                context.Refuse($"{path}.final_learning_rate", "has no effect without a decay; add 'decay: cosine' or 'decay: linear'");
            }
            else if (training.FinalLearningRate > training.LearningRate)
            {
                context.Refuse($"{path}.final_learning_rate", Text($"{training.FinalLearningRate} is above learning_rate {training.LearningRate}"));
            }
        }

        var density = new TimeDensitySpec { Mean = training.T.Mean, Std = training.T.Std };
        if (context.Sound($"{path}.t") && training.T == density && density != new TimeDensitySpec())
        {
            context.Refuse($"{path}.t", "mean and std have no effect on a uniform density; add 'density: logit-normal'");
        }
    }

    private static void Guidance(RunSpec spec, SpecContext context)
    {
        var key = spec.HasText ? "model.text_condition" : "model.class_condition";
        var conditional = (spec.HasText ? spec.Model.TextCondition : spec.Model.ClassCondition) && spec.Model.ConditionDropout > 0;
        if (context.Sound("sampling.guidance", key, "text.encoder", "model.condition_dropout") && spec.Sampling.Guidance != 1 && !conditional)
        {
            context.Refuse(
                "sampling.guidance",
                Text($"{spec.Sampling.Guidance} needs {key} true and model.condition_dropout above 0; else give 1, no guidance"));
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
