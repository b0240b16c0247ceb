using System.Globalization;

namespace Ddm.Runs;

/// <summary>What a spec may say and hardly anybody means: a run takes it all the same.</summary>
internal static class SpecWarnings
{
    private const double HighLearningRate = 5e-3;
    private const double HighGuidance = 15;
    private const int ManyTokens = 1024;
    private const int LongSlice = 180, LongCommit = 600;

    /// <summary>The warnings about a spec without mistakes, in the order of the file.</summary>
    public static IEnumerable<SpecNote> Of(RunSpec spec, SpecContext context)
    {
        var found = Training("experts", spec.Experts).Concat(Training("router", spec.Router.Training)).Concat(Whole(spec));
        return found.Select(warning => context.About(warning.Path, warning.Text.ToString(CultureInfo.InvariantCulture)))
            .OrderBy(note => note.Line).ThenBy(note => note.Column);
    }

    private static IEnumerable<(string Path, FormattableString Text)> Training(string path, TrainingSpec training)
    {
        if (training.LearningRate > HighLearningRate)
        {
            yield return ($"{path}.learning_rate", $"{training.LearningRate} is high for AdamW on a transformer; 1e-4 to 2e-3 is usual");
        }

        if (training.Warmup > training.Steps / 2)
        {
            yield return ($"{path}.warmup", $"{training.Warmup} of {training.Steps} steps are warm-up; the full learning rate is hardly used");
        }

        if (training.Batch == 1)
        {
            yield return ($"{path}.batch", $"one image a step: the gradient is mostly noise; 16 to 256 is usual");
        }
    }

    private static IEnumerable<(string Path, FormattableString Text)> Whole(RunSpec spec)
    {
        var (expert, router) = (NetworkPresets.Resolve(spec.Model), NetworkPresets.Resolve(spec.Router.Network));
        var tokens = spec.Data.ImageSize / expert.Patch * (spec.Data.ImageSize / expert.Patch);
        if (tokens > ManyTokens)
        {
            yield return ("model", $"patch {expert.Patch} cuts images of {spec.Data.ImageSize} into {tokens} tokens; twice the patch costs about a quarter");
        }

        if (Weight(router) > Weight(expert))
        {
            yield return ("router.network", $"the router is larger than an expert; a small one, such as DiT-Micro or DiT-Nano, routes as well");
        }

        if (expert.ConditionDropout == 0 && (spec.HasText ? expert.TextCondition : expert.ClassCondition))
        {
            yield return ("model.condition_dropout", $"0: no image is ever learned without its condition, so guidance will not be possible");
        }

        if (spec.Partition.Experts == 1)
        {
            yield return ("partition.experts", $"1 expert is a single model: the router has nothing to learn, one step of it would do");
        }

        if (spec.Sampling.Guidance > HighGuidance)
        {
            yield return ("sampling.guidance", $"{spec.Sampling.Guidance} is far above the usual 1 to 8; pictures will be oversaturated");
        }

        if (spec.Execution.SliceSeconds > LongSlice)
        {
            yield return ("execution.slice_seconds", $"other roles wait up to {spec.Execution.SliceSeconds} seconds for their turn; 20 to 60 is usual");
        }

        if (spec.Execution.CommitSeconds > LongCommit)
        {
            yield return ("execution.commit_seconds", $"a crash loses up to {spec.Execution.CommitSeconds} seconds of training; 20 to 300 is usual");
        }

        if (spec.Execution.Retention.KeepEvery is { } every && spec.Experts.Steps / every > 100)
        {
            yield return ("execution.retention.keep_every", $"{every} keeps up to {spec.Experts.Steps / every} checkpoints of each expert for good; 'ddm plan' shows their bytes");
        }
    }

    private static double Weight(NetworkSpec network) => (double)network.Hidden * network.Hidden * network.Depth;
}
