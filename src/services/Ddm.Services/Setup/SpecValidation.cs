using System.Globalization;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What <c>ddm validate</c> finds: the spec's own mistakes, then what its data say. Nothing is written.</summary>
/// <param name="Spec">The spec; null when it has mistakes of its own.</param>
/// <param name="Mistakes">A run would refuse these.</param>
/// <param name="Warnings">A run would take these.</param>
/// <param name="Look">What was seen of the pictures; null: not looked at.</param>
public sealed record SpecValidation(RunSpec? Spec, IReadOnlyList<SpecNote> Mistakes, IReadOnlyList<SpecNote> Warnings, SourceLook? Look)
{
    /// <summary>What a run would say of its beginning.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    private const int ManyPasses = 2000;

    /// <summary>Checks a spec.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="file">Its file, for messages and for paths relative to it.</param>
    /// <param name="blobs">Where a run of the name may exist already.</param>
    /// <param name="lookAtData">Whether the pictures are opened.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    public static async Task<SpecValidation> CheckAsync(string text, string file, IBlobStore blobs, bool lookAtData, CancellationToken cancellationToken)
    {
        var reading = RunSpecReader.Check(text, file);
        if (reading.Spec is not { } spec)
        {
            return new SpecValidation(null, reading.Mistakes, [], null);
        }

        var mistakes = new List<SpecNote>();
        var warnings = new List<SpecNote>(reading.Warnings);
        if (await new RunRepository(blobs).FindAsync(spec.Name, cancellationToken) is { } existing
            && RunSpecReader.Differences(existing.Value.Spec, spec) is { Count: > 0 } differences)
        {
            mistakes.Add(reading.About("name", $"run '{spec.Name}' exists with another spec ({string.Join("; ", differences)}); choose another name, or 'ddm rm {spec.Name}' first"));
        }

        SourceLook? look = null;
        var notices = new List<string>();
        if (lookAtData)
        {
            var root = Path.GetDirectoryName(Path.GetFullPath(file))!;
            Try("features.weights", () => ImageEncoders.Require(spec.Features, root));
            TextShape? captions = null;
            Try("text.weights", () => captions = CaptionEncoders.Expected(spec.Text, root));
            Try("data.shard_rows", () => ShardBytes.Require(spec, captions));
            Try("latent.vae", () => LatentCodec.Require(spec, root));
            Try("data.source", () =>
            {
                look = SourceLook.At(ImageSources.Open(spec.Data, root));
                Check(reading, spec, look, mistakes, warnings);
            });
            if (look is not null)
            {
                Try("init.checkpoint", () => notices.AddRange(RunSeeds.Look(spec, root, look.ClassNames.Count) is { } seed ? [seed.Describe()] : []));
            }
        }

        return new SpecValidation(spec, mistakes, [.. warnings.OrderBy(note => note.Line).ThenBy(note => note.Column)], look) { Notices = notices };

        void Try(string key, Action check)
        {
            try
            {
                check();
            }
            catch (UserErrorException e)
            {
                mistakes.Add(reading.About(key, e.Message));
            }
        }
    }

    private static void Check(SpecReading reading, RunSpec spec, SourceLook look, List<SpecNote> mistakes, List<SpecNote> warnings)
    {
        var training = look.Count * (1 - spec.Data.HeldOut);
        var each = training / spec.Partition.Experts;
        if (look.Sizes.Count == 0)
        {
            mistakes.Add(reading.About("data.source", Text($"none of the {look.Sampled} pictures looked at can be read; the first is {look.Unreadable[0]}")));
            return;
        }

        if (training < spec.Partition.Experts)
        {
            mistakes.Add(reading.About("partition.experts", Text($"{look.Count} pictures cannot be cut into {spec.Partition.Experts} clusters; give fewer experts or more pictures")));
        }
        else if (training < spec.Partition.Fine)
        {
            mistakes.Add(reading.About("partition.fine", Text($"{look.Count} pictures cannot make {spec.Partition.Fine} centroids; give fewer, or leave the key out")));
        }

        if (look.Unreadable.Count > 0)
        {
            Warn("data.source", $"{look.Unreadable.Count} of {look.Sampled} pictures looked at cannot be read and would be set aside; the first is {look.Unreadable[0]}");
        }

        var smaller = look.Sizes.Count(size => Math.Min(size.Width, size.Height) < spec.Data.ImageSize);
        if (smaller > look.Sizes.Count / 2)
        {
            Warn("data.image_size", $"{smaller} of {look.Sizes.Count} pictures looked at are smaller than {spec.Data.ImageSize} and would be enlarged");
        }

        if (look.Grey && spec.Data.Channels == 3)
        {
            Warn("data.channels", $"all {look.Sizes.Count} pictures looked at are grey; 'channels: 1' costs a third");
        }

        if (spec.Experts.Batch > each)
        {
            Warn("experts.batch", $"{spec.Experts.Batch} is more than the {each:F0} pictures an expert has on average: a step would repeat some");
        }

        var passes = (double)spec.Experts.Steps * spec.Experts.Batch / each;
        if (passes > ManyPasses)
        {
            Warn("experts.steps", $"each expert sees its {each:F0} pictures {passes:F0} times over: it may learn them by heart");
        }
        else if (passes < 1)
        {
            Warn("experts.steps", $"each expert sees only {passes:P0} of its {each:F0} pictures");
        }

        if (spec.Sampling.Guidance != 1 && look.ClassNames.Count == 0 && !spec.HasText)
        {
            Warn("sampling.guidance", $"{spec.Sampling.Guidance} has no effect: the pictures have no classes");
        }

        void Warn(string path, FormattableString text) => warnings.Add(reading.About(path, Text(text)));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
