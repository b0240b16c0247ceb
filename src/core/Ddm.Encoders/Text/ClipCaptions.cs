using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// The normed states of CLIP's text encoder at every place, padding included, as Stable Diffusion and Paris take them. Texts are filled up with the end token, as Hugging Face's
/// tokenizers of OpenAI's models do; no caption is the empty text.
/// </summary>
public sealed class ClipCaptions : ICaptionEncoder
{
    private const int BatchTexts = 32;

    private static readonly Lazy<ClipTokenizer> Tokenizer = new(ClipTokenizer.Published);

    private readonly ClipTextEncoder encoder;

    private ClipCaptions(ClipTextEncoder encoder, int places)
    {
        this.encoder = encoder;
        Shape = new TextShape(places, encoder.Config.Hidden, Vocabulary: 0);
    }

    /// <inheritdoc/>
    public TextShape Shape { get; }

    /// <summary>Opens CLIP's text encoder.</summary>
    /// <param name="file">Its weights.</param>
    /// <param name="asked">Places of a row; null: all that it has.</param>
    /// <exception cref="UserErrorException">The file is of another network, of another vocabulary, or has fewer places.</exception>
    public static ClipCaptions Open(WeightFile file, int? asked)
    {
        var encoder = ClipTextEncoder.Load(file);
        var (config, tokenizer) = (encoder.Config, Tokenizer.Value);
        var places = asked ?? config.Context;
        if (config.End == tokenizer.End && config.Context >= places)
        {
            return new ClipCaptions(encoder, places);
        }

        encoder.Dispose();
        throw new UserErrorException(config.End != tokenizer.End
            ? $"{file.Path}: its texts end with token {config.End}, but with {tokenizer.End} in CLIP's vocabulary. Give the weights of a published CLIP."
            : $"{file.Path} has {config.Context} places for tokens; text.tokens is {places}. Ask for no more than it has.");
    }

    /// <inheritdoc/>
    public Tensor Encode(IReadOnlyList<string?> captions)
    {
        using var scope = NewDisposeScope();
        return cat([.. captions.Chunk(BatchTexts).Select(Batch)], dim: 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => encoder.Dispose();

    private Tensor Batch(string?[] captions)
    {
        using var scope = NewDisposeScope();
        var tokenizer = Tokenizer.Value;
        var ids = stack([.. captions.Select(caption => tensor(tokenizer.EncodeRow(caption ?? "", Shape.Tokens, tokenizer.End).Ids))]);
        return encoder.Forward(ids).Last.to(ScalarType.Float16).MoveToOuterDisposeScope();
    }
}
