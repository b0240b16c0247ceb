using Ddm.Diffusion;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Whether the parts of a model to import are parts of one model.</summary>
internal static class ImportChecks
{
    /// <summary>Refuses parts that do not fit.</summary>
    /// <exception cref="UserErrorException">They do not; the message names both files and what differs.</exception>
    public static void Require(IReadOnlyList<ImportedNetwork> experts, ImportedNetwork? router, ImportedVae? vae, ImportedText? text)
    {
        var first = experts[0];
        foreach (var expert in experts)
        {
            if (expert.Experts is { } routed)
            {
                throw new UserErrorException($"{expert.File.Path} is a router over {routed} experts (it has a tensor 'cls_token'); an expert is needed.");
            }

            RequireSame(first, expert, "input channels", shape => shape.Channels);
            RequireSame(first, expert, "pixels or latents a side", shape => shape.ImageSize);
            RequireSame(first, expert, "classes", shape => shape.Classes);
            RequireSameText(first, expert);
        }

        if (router is not null)
        {
            RequireRouter(experts, router);
        }

        RequireSpace(first, vae);
        RequireText([.. experts, .. router is null ? Array.Empty<ImportedNetwork>() : [router]], text);
    }

    /// <summary>Classes that the model is told: the experts', or the router's where only it sees them.</summary>
    public static int Classes(IReadOnlyList<ImportedNetwork> experts, ImportedNetwork? router) => Math.Max(experts[0].Shape.Classes, router?.Shape.Classes ?? 0);

    /// <summary>The classes' names: a file's lines, or numbers.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or has another number of names.</exception>
    public static IReadOnlyList<string> ClassNames(string? file, int classes)
    {
        if (file is null)
        {
            return [.. Enumerable.Range(0, classes).Select(label => FormattableString.Invariant($"{label}"))];
        }

        string[] names;
        try
        {
            names = [.. File.ReadAllLines(file).Select(line => line.Trim()).Where(line => line.Length > 0)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the classes' names cannot be read: {error.Message} Give a text file with a name a line.", error);
        }

        return names.Length == classes ? names
            : throw new UserErrorException($"{file} has {names.Length} names; the network has {(classes == 0 ? "no classes" : $"{classes} classes")}. Give a name a line, in the order of the labels.");
    }

    private static void RequireRouter(IReadOnlyList<ImportedNetwork> experts, ImportedNetwork router)
    {
        if (router.Experts is not { } routed)
        {
            throw new UserErrorException($"{router.File.Path} is no router: it has no tensor 'cls_token'.");
        }

        if (routed != experts.Count)
        {
            throw new UserErrorException($"{router.File.Path} is a router over {routed} experts; there are {experts.Count}.");
        }

        RequireSame(experts[0], router, "input channels", shape => shape.Channels);
        RequireSame(experts[0], router, "pixels or latents a side", shape => shape.ImageSize);
        // A network may be blind to what the others are told.
        if (router.Shape.Classes > 0 && experts[0].Shape.Classes > 0)
        {
            RequireSame(experts[0], router, "classes", shape => shape.Classes);
        }

        if (router.Shape.Text is not null && experts[0].Shape.Text is not null)
        {
            RequireSameText(experts[0], router);
        }
    }

    private static void RequireText(IReadOnlyList<ImportedNetwork> networks, ImportedText? text)
    {
        var seeing = networks.FirstOrDefault(network => network.Shape.Text is not null);
        if (text is not null && seeing is null)
        {
            throw new UserErrorException($"{networks[0].File.Path} sees no captions (it has no tensor 'text_proj.weight'): leave the text encoder {text.File.Path} out.");
        }

        if (seeing?.Shape.Text is { } seen && seen != text?.Shape)
        {
            throw new UserErrorException(text is null ? $"{seeing.File.Path} sees captions: give their encoder with --text-encoder FOLDER."
                : $"{seeing.File.Path} sees captions as {Describe(seen)}; {text.File.Path} makes {Describe(text.Shape)}. Give the encoder that the network was trained with.");
        }
    }

    private static string Describe(TextShape shape)
        => shape.Learned ? $"{shape.Tokens} tokens of {shape.Vocabulary}" : $"{shape.Tokens} vectors of {shape.Width}";

    private static void RequireSameText(ImportedNetwork first, ImportedNetwork other)
    {
        if (first.Shape.Text != other.Shape.Text)
        {
            throw new UserErrorException($"{first.File.Path} sees {Captions(first)}, {other.File.Path} {Captions(other)}: they are no parts of one model.");
        }

        static string Captions(ImportedNetwork network) => network.Shape.Text is { } text ? $"captions as {Describe(text)}" : "no captions";
    }

    private static void RequireSpace(ImportedNetwork expert, ImportedVae? vae)
    {
        var channels = expert.Shape.Channels;
        if (vae is null && channels is not (1 or 3))
        {
            throw new UserErrorException($"{expert.File.Path} draws {channels} channels, which are no pixels: give the autoencoder of its latents with --vae FOLDER (for DiT, SiT and Paris: sd-vae-ft-mse or sd-vae-ft-ema).");
        }

        if (vae is not null && vae.Config.LatentChannels != channels)
        {
            throw new UserErrorException($"{expert.File.Path} draws {channels} channels; the latents of {vae.File.Path} have {vae.Config.LatentChannels}. Give the autoencoder that the network was trained with.");
        }
    }

    private static void RequireSame(ImportedNetwork first, ImportedNetwork other, string what, Func<DiTConfig, int> value)
    {
        if (value(first.Shape) != value(other.Shape))
        {
            throw new UserErrorException($"{first.File.Path} has {value(first.Shape)} {what}, {other.File.Path} has {value(other.Shape)}: they are no parts of one model.");
        }
    }
}
