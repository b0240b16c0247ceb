using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>What a network sees of a caption: a row of tokens that it embeds itself, or a row of vectors that a frozen encoder made.</summary>
/// <param name="Tokens">L: places of a row; longer captions are cut.</param>
/// <param name="Width">Width of a place's vector.</param>
/// <param name="Vocabulary">Tokens that the network's own table knows, rows [L] int64; 0: rows are vectors, [L, <paramref name="Width"/>] float.</param>
public readonly record struct TextShape(int Tokens, int Width, int Vocabulary)
{
    /// <summary>The token that fills a row up; nothing attends to it.</summary>
    public const int PaddingToken = 0;

    /// <summary>The one token of a row without a caption.</summary>
    public const int NullToken = 1;

    /// <summary>The token of what the vocabulary does not have.</summary>
    public const int UnknownToken = 2;

    /// <summary>The first token that stands for text.</summary>
    public const int FirstToken = 3;

    /// <summary>Whether the network has a text encoder of its own.</summary>
    [JsonIgnore]
    public bool Learned => Vocabulary > 0;
}
