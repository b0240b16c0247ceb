using System.Globalization;
using System.Text;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Writes a spec with comments for somebody's folder of pictures.</summary>
public static class SpecTemplate
{
    private const int ClassesListed = 20;

    /// <summary>The text of a spec.</summary>
    /// <param name="name">The run's name.</param>
    /// <param name="source">What data.source is to say.</param>
    /// <param name="look">What was seen of the pictures.</param>
    /// <param name="schema">Where the schema lies, as the spec's first line is to name it.</param>
    public static string Write(string name, string source, SourceLook look, string schema)
    {
        var draft = SpecDraft.For(look);
        var invariant = CultureInfo.InvariantCulture;
        return string.Create(invariant, $"""
            # yaml-language-server: $schema={schema}
            # Check it:  ddm validate SPEC      What it will cost:  ddm plan SPEC      Train it:  ddm run SPEC
            # Every key: the schema named above; an editor with a YAML language server shows it while you type.

            # Names the run and the model it publishes: 1 to 63 of a-z, 0-9 and '-'.
            name: {name}
            seed: 1                       # keys every random number: the same seed gives the same model

            data:
              source: {Quoted(source)}
            {Seen(look, draft)}
              image_size: {draft.ImageSize,-4}             # pixels; the patch of both networks divides it
              channels: {draft.Channels}                 # 1 grey, 3 colour{(draft.Channels == 1 ? "; every picture looked at is grey" : "")}
            {Classes(look)}
              held_out: {SpecDraft.HeldOut}              # share never trained on, chosen by content

            features: pixels              # what pictures are clustered by

            # The pictures are cut into clusters, and each gets an expert of its own: about {draft.ImagesPerExpert} pictures each here.
            partition:
              experts: {draft.Experts}
              fine: {draft.Fine,-4}                  # fine clusters, merged into the {draft.Experts}

            # The network of every expert: {Tokens(draft)} tokens a picture. Sizes: DiT-Micro, Nano, Mini, S, B, L, XL; then the patch.
            model: {draft.Preset}

            # Each expert sees its own cluster alone.
            experts:
              steps: {draft.Steps,-6}               # about {Passes(draft)} passes over its pictures; more give better pictures
              batch: {draft.Batch}
              learning_rate: 1e-3
              beta2: 0.99
              warmup: {draft.Steps / 20}
              decay: cosine
              ema_std: 0.1                # width of the weight average, as a share of the run
              t: {'{'} density: logit-normal, mean: 0, std: 1 {'}'}

            # The router learns which expert a noisy picture belongs to; a small network does.
            router:
              network: {draft.RouterPreset}
              steps: {draft.RouterSteps}
              batch: {Math.Min(64, draft.Batch * 4)}
              learning_rate: 1e-3
              beta2: 0.99
              warmup: {draft.RouterSteps / 20}
              decay: cosine
              ema_std: 0.1

            # How pictures are drawn unless a request says otherwise.
            sampling:
              steps: 40
              guidance: {(look.ClassNames.Count > 0 ? "2                 # towards the asked class; 1: none" : "1                 # without classes there is nothing to guide to")}
              solver: euler

            # Nothing here changes what is learned.
            execution:
              slice_seconds: 20           # a role's turn while others wait; it ends in a commit
              commit_seconds: 60          # and a commit this often while it goes on: what a crash loses
              retention:
                keep_last: 2              # checkpoints of each role that keep their weights
                # keep_every: {Math.Max(1, draft.Steps / 5)}          # and for good the first at or past each multiple of so many steps

            """).ReplaceLineEndings("\n");
    }

    /// <summary>A run's name made of a folder's.</summary>
    public static string NameOf(string folder)
    {
        var text = new StringBuilder();
        foreach (var letter in folder.ToLowerInvariant())
        {
            if (letter is (>= 'a' and <= 'z') or (>= '0' and <= '9'))
            {
                text.Append(letter);
            }
            else if (text.Length > 0 && text[^1] != '-')
            {
                text.Append('-');
            }
        }

        var name = text.ToString().Trim('-');
        name = name.Length > 40 ? name[..40].Trim('-') : name;
        return RunName.IsValid(name) ? name : name.Length > 0 && RunName.IsValid(name + "-run") ? name + "-run" : "my-run";
    }

    private static string Seen(SourceLook look, SpecDraft draft)
    {
        var (widths, heights) = (look.Sizes.Select(s => s.Width).Order().ToArray(), look.Sizes.Select(s => s.Height).Order().ToArray());
        var (width, height) = (widths[widths.Length / 2], heights[heights.Length / 2]);
        var text = string.Create(CultureInfo.InvariantCulture, $"  # {look.Count} pictures; of {look.Sizes.Count} looked at the median is {width} x {height}.");
        if (Math.Min(width, height) > draft.ImageSize)
        {
            text += " A larger image_size shows more and costs with its square.";
        }

        return look.Unreadable.Count == 0 ? text : text + string.Create(
            CultureInfo.InvariantCulture,
            $"\n  # {look.Unreadable.Count} more could not be read and will be set aside; the first is {OneLine(look.Unreadable[0])}");
    }

    private static string Classes(SourceLook look)
    {
        var names = look.ClassNames;
        if (names.Count == 0)
        {
            return "  # The pictures have no classes: the networks are unconditional.";
        }

        var listed = string.Join(", ", names.Take(ClassesListed).Select(name => OneLine(name)));
        var more = names.Count > ClassesListed ? string.Create(CultureInfo.InvariantCulture, $", and {names.Count - ClassesListed} more") : "";
        return string.Create(CultureInfo.InvariantCulture, $"  # {names.Count} classes, taken from the data: {listed}{more}.")
            + "\n  # To name them yourself, in the order of their labels: class_names: [...]";
    }

    private static string Tokens(SpecDraft draft)
    {
        var side = draft.ImageSize / NetworkPresets.Resolve(new NetworkSpec { Preset = draft.Preset }).Patch;
        return string.Create(CultureInfo.InvariantCulture, $"{side * side}");
    }

    private static string Passes(SpecDraft draft) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (long)draft.Steps * draft.Batch / draft.ImagesPerExpert)}");

    // Anything else may stand in a folder's name; a YAML double-quoted text takes JSON's escapes.
    private static string Quoted(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_') && text[0] != '-'
        ? text : JsonSerializer.Serialize(text);

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
