using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Reads the shape of a diffusion transformer or router from its tensors. What the config beside them says must agree with them.</summary>
internal sealed class NetworkShape(WeightFile file, IReadOnlyDictionary<string, Tensor> tensors, NetworkKeys keys)
{
    private const string Positions = "pos_embed", Patches = "x_embedder.proj.weight", Labels = "y_embedder.embedding_table.weight", Output = "final_layer.linear.weight", Inner = "blocks.0.mlp.fc1.weight",
        Head = "head.4.weight", Captions = "text_proj.weight", Tokens = "text_embedder.tokens.weight", Places = "text_embedder.positions";

    // Of every size that DiT, SiT and Paris publish.
    private static readonly Dictionary<int, int> PublishedHeads = new() { [384] = 6, [768] = 12, [1024] = 16, [1152] = 16 };

    /// <summary>The shape; time's scale is left to who knows what the network predicts.</summary>
    /// <param name="stated">What tensors cannot say.</param>
    /// <param name="router">Whether it is a router.</param>
    /// <exception cref="UserErrorException">A tensor that gives the shape is missing or of no such shape, a number is not stated, or the config contradicts the tensors.</exception>
    public DiTConfig Infer(StatedNetwork stated, bool router)
    {
        var patches = Shape(Patches, 4);
        var (hidden, channels, patch) = ((int)patches[0], (int)patches[1], (int)patches[2]);
        var labels = Find(Labels) is null ? 0 : (int)Shape(Labels, 2)[0];
        var inner = (int)Shape(Inner, 2)[0];
        var shape = new DiTConfig(
            Side(stated, patch), channels, patch, hidden, Depth(), Heads(stated, hidden), Ratio(inner, hidden), Math.Max(0, labels - 1), 0, !router && LearnsSigma(patch, channels))
        {
            Text = Text(stated),
            NormEps = file.Number("norm_eps") ?? new DiTConfig(1, 1, 1, 4, 1, 1, 1, 0, 0).NormEps,
            MlpHead = router && Find(Head) is not null,
        };
        Agree(shape, labels);
        return shape;
    }

    /// <summary>K of a router.</summary>
    public int Experts()
    {
        var output = Find(Head) is null ? Output : Head;
        var experts = (int)Shape(output, 2)[0];
        Agree($"tensor '{Name(output)}'", experts, "num_clusters");
        return experts;
    }

    // A network of captions projects their vectors; one with an encoder of its own has a table of tokens besides.
    private TextShape? Text(StatedNetwork stated)
    {
        if (Find(Captions) is null)
        {
            return null;
        }

        var width = (int)Shape(Captions, 2)[1];
        Agree($"tensor '{Name(Captions)}'", width, "text_embed_dim");
        return Find(Tokens) is not null ? new TextShape((int)Shape(Places, 2)[0], width, (int)Shape(Tokens, 2)[0])
            : new TextShape(
                stated.TextPlaces ?? throw Error($"it sees captions (tensor '{Name(Captions)}'): give the encoder that turned them into vectors, CLIP's, with --text-encoder FOLDER"), width, 0);
    }

    private int Side(StatedNetwork stated, int patch)
    {
        if (Find(Positions) is not null)
        {
            var tokens = Shape(Positions, 3)[1];
            var grid = (int)Math.Round(Math.Sqrt(tokens));
            return (long)grid * grid != tokens ? throw Error($"tensor '{Name(Positions)}' has places for {tokens} patches, which is no square: networks of squares are read")
                : stated.Side is null || stated.Side == grid * patch ? grid * patch
                : throw Error($"tensor '{Name(Positions)}' has places for {tokens} patches of {patch}, an input of side {grid * patch}; stated is {stated.Side}");
        }

        return stated.Side ?? throw Error("without a 'pos_embed' tensors do not say how large the input is: state --image-size, or input_size in the config.json beside the file");
    }

    // Blocks of which there is anything at all, so that what is missing of one is named.
    private int Depth()
    {
        var depth = 0;
        while (tensors.Keys.Any(name => name.StartsWith(Name(string.Create(CultureInfo.InvariantCulture, $"blocks.{depth}.")), StringComparison.Ordinal)))
        {
            depth++;
        }

        return depth;
    }

    private int Heads(StatedNetwork stated, int hidden) => stated.Heads ?? (PublishedHeads.TryGetValue(hidden, out var heads) ? heads
        : throw Error($"tensors do not say how many heads a width of {hidden} has, and no published size has it: state --heads, or num_heads in the config.json beside the file"));

    private bool LearnsSigma(int patch, int channels)
    {
        var (outputs, plain) = (Shape(Output, 2)[0], (long)patch * patch * channels);
        return outputs == 2 * plain || (outputs == plain ? false
            : throw Error($"tensor '{Name(Output)}' has {outputs} rows; patches of {channels} x {patch} x {patch} need {plain}, or {2 * plain} with variances"));
    }

    private void Agree(DiTConfig shape, int labels)
    {
        Agree($"tensor '{Name(Patches)}'", shape.Hidden, "hidden_size");
        Agree($"tensor '{Name(Patches)}'", shape.Patch, "patch_size");
        Agree($"tensor '{Name(Patches)}'", shape.Channels, "in_channels");
        Agree("the number of its blocks", shape.Depth, "depth", "num_layers");
        if (file.Number("mlp_ratio") is { } ratio && (int)(shape.Hidden * ratio) != shape.MlpHidden)
        {
            throw Error(string.Create(CultureInfo.InvariantCulture, $"its config.json says mlp_ratio: {ratio}; tensor '{Name(Inner)}' says {shape.MlpHidden / (double)shape.Hidden}"));
        }

        if (labels == 0 && file.Integer("num_classes") is > 0 && (file.Flag("use_class_conditioning") ?? true))
        {
            throw Error($"tensor '{Name(Labels)}' is missing; its config.json says num_classes: {file.Integer("num_classes")}");
        }

        if (labels > 0 && file.Integer("num_classes") is { } classes && labels != classes + 1)
        {
            throw Error($"tensor '{Name(Labels)}' has {labels} rows; {classes} classes (num_classes) need {classes + 1}, the last for no class"
                + (labels == classes ? ", which this network was trained without: it cannot be guided, and is not read" : ""));
        }

        if (file.Flag("learn_sigma") is { } learns && learns != shape.LearnSigma)
        {
            throw Error($"its config.json says learn_sigma: {(learns ? "true" : "false")}; tensor '{Name(Output)}' has {Shape(Output, 2)[0]} rows, which is {(learns ? "without" : "with")} variances");
        }
    }

    private void Agree(string what, int found, params string[] names)
    {
        if (file.Integer(names) is { } said && said != found)
        {
            throw Error($"its config.json says {names.First(file.Has)}: {said}; {what} says {found}");
        }
    }

    // The ratio is kept as a number of which the width is the whole part.
    private static double Ratio(int inner, int hidden)
    {
        var ratio = inner / (double)hidden;
        while ((int)(hidden * ratio) < inner)
        {
            ratio = Math.BitIncrement(ratio);
        }

        return ratio;
    }

    private Tensor? Find(string own) => tensors.GetValueOrDefault(Name(own));

    private long[] Shape(string own, int dimensions) => Find(own) is not { } tensor ? throw Error($"tensor '{Name(own)}' is missing")
        : tensor.dim() == dimensions && tensor.shape.All(size => size > 0) ? tensor.shape
        : throw Error($"tensor '{Name(own)}' is [{string.Join(", ", tensor.shape)}] where {dimensions} dimensions are needed");

    private string Name(string own) => keys.Published(own).Name;

    private UserErrorException Error(string what) => new($"{file.Path}: {what}. The file was read as a network under {keys.Family} names.");
}
