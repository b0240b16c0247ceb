using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>CLIP's tokens, those that occur in a data set numbered anew by falling count: what a network with a text encoder of its own takes.</summary>
public sealed class TokenVocabulary : ICaptionEncoder
{
    private const string Ids = "clip_tokens", Places = "tokens", Width = "width";

    private static readonly Lazy<ClipTokenizer> Tokenizer = new(ClipTokenizer.Published);

    private readonly long[] tokens; // CLIP's, by number
    private readonly Dictionary<int, int> numbers;

    private TokenVocabulary(long[] tokens, int places, int width)
    {
        this.tokens = tokens;
        numbers = tokens.Select((token, i) => ((int)token, TextShape.FirstToken + i)).ToDictionary(pair => pair.Item1, pair => pair.Item2);
        Shape = new TextShape(places, width, TextShape.FirstToken + tokens.Length);
    }

    /// <inheritdoc/>
    public TextShape Shape { get; }

    /// <summary>The most frequent tokens of captions, the lower number first among equals.</summary>
    /// <param name="captions">The captions of the training rows.</param>
    /// <param name="spec">How many tokens at most, places and width.</param>
    /// <exception cref="UserErrorException">There is no caption.</exception>
    public static TokenVocabulary Fit(IEnumerable<string> captions, TextSpec spec)
    {
        var counts = new Dictionary<int, long>();
        foreach (var token in captions.SelectMany(caption => Tokenizer.Value.Encode(caption)))
        {
            counts[token] = counts.GetValueOrDefault(token) + 1;
        }

        if (counts.Count == 0)
        {
            throw new UserErrorException("text.encoder is 'learned', but no training image has a caption. Give captions (metadata.jsonl, .txt beside the images, a column 'text'), or leave text out.");
        }

        var kept = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(spec.Vocabulary - TextShape.FirstToken);
        return new TokenVocabulary([.. kept.Select(pair => (long)pair.Key)], spec.Places, spec.Width);
    }

    /// <summary>Whether a file is a vocabulary.</summary>
    public static bool Holds(TensorBundle bundle) => bundle.Tensors.ContainsKey(Ids);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static TokenVocabulary Load(string name, TensorBundle bundle)
    {
        if (bundle.Tensors.GetValueOrDefault(Ids) is not { } ids || Number(Places) is not { } places || Number(Width) is not { } width)
        {
            throw new InvalidDataException($"{name} holds no vocabulary.");
        }

        return new TokenVocabulary(ids.data<long>().ToArray(), places, width);

        int? Number(string key) => int.TryParse(bundle.Metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>Writes it as safetensors.</summary>
    public void Save(Stream target)
    {
        using var ids = tensor(tokens);
        TensorFile.Save(target, [(Ids, ids)], new Dictionary<string, string>
        {
            [Places] = Shape.Tokens.ToString(CultureInfo.InvariantCulture),
            [Width] = Shape.Width.ToString(CultureInfo.InvariantCulture),
        });
    }

    /// <inheritdoc/>
    public Tensor Encode(IReadOnlyList<string?> captions)
    {
        TorchNative.EnsureLoaded();
        var rows = new int[captions.Count, Shape.Tokens];
        for (var row = 0; row < captions.Count; row++)
        {
            var ids = string.IsNullOrWhiteSpace(captions[row]) ? [] : Tokenizer.Value.Encode(captions[row]!);
            for (var place = 0; place < Math.Min(ids.Count, Shape.Tokens); place++)
            {
                rows[row, place] = numbers.GetValueOrDefault(ids[place], TextShape.UnknownToken);
            }

            if (ids.Count == 0)
            {
                rows[row, 0] = TextShape.NullToken;
            }
        }

        return tensor(rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
