using System.Text.Json.Serialization;
using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>The shape of a diffusion transformer (Peebles and Xie, "Scalable diffusion models with transformers", 2022).</summary>
/// <param name="ImageSize">Side of the square input: pixels, or latents.</param>
/// <param name="Channels">Channels of the input and of the velocity.</param>
/// <param name="Patch">Side of a patch; divides <paramref name="ImageSize"/>.</param>
/// <param name="Hidden">Width D; a multiple of 4 (position table) and of <paramref name="Heads"/>.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="MlpRatio">Width of a block's MLP over D.</param>
/// <param name="Classes">Classes of the condition; 0: unconditional. Label <c>Classes</c> is the null condition.</param>
/// <param name="ConditionDropout">Probability that training drops a row's condition; applied by the trainer, not by the network.</param>
/// <param name="LearnSigma">True for weights with twice the output channels (SiT, DiT): the second half is dropped.</param>
public sealed record DiTConfig(
    int ImageSize, int Channels, int Patch, int Hidden, int Depth, int Heads, double MlpRatio, int Classes, double ConditionDropout, bool LearnSigma = false)
{
    /// <summary>What t in [0, 1] is multiplied by before it is embedded. Our networks take 1000, so that the embedding's fast waves see t; SiT's weights take 1.</summary>
    public double TimeScale { get; init; } = 1000;

    /// <summary>
    /// What the network sees of captions; null: nothing. With it the blocks are those of PixArt-alpha: modulation by time alone, shared by all blocks but for a table of each
    /// (adaLN-single), and attention to the caption between attention and MLP.
    /// </summary>
    public TextShape? Text { get; init; }

    /// <summary>Of the norms in blocks and final layer.</summary>
    public double NormEps { get; init; } = 1e-6;

    /// <summary>True for weights with positions of their own: the table is a parameter. False: it is the fixed one of sines and cosines.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StoredPositions { get; init; }

    /// <summary>Of routers. True for weights whose token's last state goes through an MLP (<see cref="RouterHead"/>), Paris'; false: through a norm that the condition modulates and one layer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MlpHead { get; init; }

    /// <summary>Patches along one side.</summary>
    [JsonIgnore]
    public int Grid => ImageSize / Patch;

    /// <summary>T: patches of one image.</summary>
    [JsonIgnore]
    public int Tokens => Grid * Grid;

    /// <summary>Width of a block's MLP.</summary>
    [JsonIgnore]
    public int MlpHidden => (int)(Hidden * MlpRatio);

    /// <summary>Channels the last layer gives, before those of sigma are dropped.</summary>
    [JsonIgnore]
    public int OutputChannels => LearnSigma ? 2 * Channels : Channels;

    /// <summary>The network of a run.</summary>
    /// <param name="network">Its numbers (a preset already resolved).</param>
    /// <param name="imageSize">Side of the images.</param>
    /// <param name="channels">Channels of the images.</param>
    /// <param name="classes">Classes of the data; unused when the spec asks for no class condition.</param>
    /// <param name="text">The captions of the run, where they are its condition: then classes are not.</param>
    /// <exception cref="UserErrorException">The numbers do not fit each other.</exception>
    public static DiTConfig From(NetworkSpec network, int imageSize, int channels, int classes, TextShape? text = null)
    {
        var conditioned = text is null ? network.ClassCondition : network.TextCondition;
        return new DiTConfig(
            imageSize, channels, network.Patch, network.Hidden, network.Depth, network.Heads, network.MlpRatio,
            conditioned && text is null ? classes : 0, conditioned ? network.ConditionDropout : 0)
        {
            Text = conditioned ? text : null,
        }.Validated();
    }

    /// <summary>This configuration, after its numbers were checked against each other.</summary>
    /// <exception cref="UserErrorException">The numbers do not fit each other.</exception>
    internal DiTConfig Validated()
    {
        if (ImageSize < 1 || Channels < 1 || Patch < 1 || Hidden < 1 || Depth < 1 || Heads < 1 || MlpHidden < 1 || Classes < 0)
        {
            throw new UserErrorException($"{this}: sizes must be positive. Give the network a preset, or its hidden, depth, heads and patch.");
        }

        if (Text is { Learned: true } text && text.Width % TextEncoder.HeadWidth != 0)
        {
            throw new UserErrorException($"A text encoder {text.Width} wide does not divide into heads of {TextEncoder.HeadWidth}: give a multiple.");
        }

        if (!(NormEps > 0) || !double.IsFinite(NormEps))
        {
            throw new UserErrorException($"A norm's eps of {NormEps} is no number above 0: networks have 1e-6 or 1e-5.");
        }

        if (ImageSize % Patch != 0)
        {
            throw new UserErrorException($"Patch {Patch} does not divide the image size {ImageSize}: choose a divisor, or another image size.");
        }

        if (Hidden % Heads != 0 || Hidden % 4 != 0)
        {
            throw new UserErrorException($"Hidden size {Hidden} must be a multiple of its {Heads} heads and of 4: change hidden or heads.");
        }

        return this;
    }
}
