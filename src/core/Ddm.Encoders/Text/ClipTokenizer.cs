using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Ddm.Encoders;

/// <summary>
/// CLIP's byte-pair encoding, as openai/CLIP's <c>simple_tokenizer.py</c> does it, with its vocabulary (MIT, Copyright (c) 2021 OpenAI). Immutable: any number of
/// threads may use one.
/// </summary>
public sealed class ClipTokenizer
{
    private const string WordEnd = "</w>", StartText = "<|startoftext|>", EndText = "<|endoftext|>";
    private const int Merges = 49_152 - 256 - 2; // of the file's, those that CLIP uses

    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    private static readonly string[] CharacterOf = CharactersOfBytes(); // by byte

    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, string), int> ranks = [];

    /// <summary>A tokenizer of a vocabulary in OpenAI's format.</summary>
    /// <param name="vocabulary">The gzipped file: a line of header, then a merge a line.</param>
    public ClipTokenizer(Stream vocabulary)
    {
        using var reader = new StreamReader(new GZipStream(vocabulary, CompressionMode.Decompress), Encoding.UTF8);
        reader.ReadLine();
        var characters = Enumerable.Range(0, 256).OrderBy(b => Prints(b) ? 0 : 1).Select(b => CharacterOf[b]).ToArray();
        Array.ForEach(characters, Add);
        Array.ForEach(characters, character => Add(character + WordEnd));
        while (ranks.Count < Merges && reader.ReadLine() is { Length: > 0 } line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (first, second) = (line[..space], line[(space + 1)..]);
            ranks.Add((first, second), ranks.Count);
            Add(first + second);
        }

        Add(StartText);
        Add(EndText);
        (Start, End) = (ids[StartText], ids[EndText]);

        void Add(string token) => ids.Add(token, ids.Count);
    }

    /// <summary>Id of the token that begins a text.</summary>
    public int Start { get; }

    /// <summary>Id of the token that ends a text.</summary>
    public int End { get; }

    /// <summary>The tokenizer of all published CLIPs.</summary>
    public static ClipTokenizer Published()
    {
        using var stream = typeof(ClipTokenizer).Assembly.GetManifestResourceStream("bpe_simple_vocab_16e6.txt.gz")!;
        return new ClipTokenizer(stream);
    }

    /// <summary>The tokens of a text, without start and end.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="ftfy">False leaves out what the Python package ftfy repairs.</param>
    public IReadOnlyList<int> Encode(string text, bool ftfy = true)
    {
        var tokens = new List<int>();
        foreach (var word in Words(TextRepair.Clean(text, ftfy)))
        {
            if (word is StartText or EndText)
            {
                tokens.Add(ids[word]);
            }
            else
            {
                Append(word, tokens);
            }
        }

        return tokens;
    }

    /// <summary>One row for the text encoder: start, tokens, end, padding. A longer text is cut, and its end stays.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="length">Of the row: 77 in published models.</param>
    /// <param name="padding">Id that fills the row up: <see cref="End"/> as Hugging Face's pipelines do, 0 as OpenAI's code does.</param>
    public (long[] Ids, bool Cut) EncodeRow(string text, int length, int padding)
    {
        var tokens = Encode(text);
        var row = new long[length];
        Array.Fill(row, padding);
        var kept = Math.Min(tokens.Count, length - 2);
        row[0] = Start;
        for (var i = 0; i < kept; i++)
        {
            row[1 + i] = tokens[i];
        }

        row[1 + kept] = End;
        return (row, kept < tokens.Count);
    }

    // Bytes that print stand for themselves, the others for characters from U+0100 on.
    private static string[] CharactersOfBytes()
    {
        var next = 256;
        return [.. Enumerable.Range(0, 256).Select(b => ((char)(Prints(b) ? b : next++)).ToString())];
    }

    private static bool Prints(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);

    // The reference's pattern: special tokens, contractions, letters, one digit, anything else but spaces.
    private static IEnumerable<string> Words(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = Special(text, at) is var special and > 0 ? special : WordLength(text, at);
            if (length > 0)
            {
                yield return text.Substring(at, length);
            }

            at += Math.Max(1, length);
        }
    }

    private static int Special(string text, int at)
    {
        foreach (var token in (string[])[StartText, EndText, .. Contractions])
        {
            if (string.CompareOrdinal(text, at, token, 0, token.Length) == 0)
            {
                return token.Length;
            }
        }

        return 0;
    }

    private static int WordLength(string text, int at)
    {
        var kind = KindAt(text, at, out var length);
        if (kind == Kind.Space)
        {
            return 0;
        }

        while (kind != Kind.Digit && at + length < text.Length && KindAt(text, at + length, out var next) == kind)
        {
            length += next;
        }

        return length;
    }

    private static Kind KindAt(string text, int at, out int length)
    {
        if (!Rune.TryGetRuneAt(text, at, out var rune))
        {
            length = 1; // half of a pair
            return Kind.Other;
        }

        length = rune.Utf16SequenceLength;
        return Rune.IsWhiteSpace(rune) ? Kind.Space : Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Digit,
            _ => Kind.Other,
        };
    }

    private void Append(string word, List<int> tokens)
    {
        var parts = Encoding.UTF8.GetBytes(word).Select(b => CharacterOf[b]).ToList();
        parts[^1] += WordEnd;
        while (parts.Count > 1 && Best(parts) is { } pair)
        {
            Merge(parts, pair);
        }

        tokens.AddRange(parts.Select(part => ids[part]));
    }

    private (string First, string Second)? Best(List<string> parts)
    {
        (string, string)? best = null;
        var rank = int.MaxValue;
        for (var i = 0; i + 1 < parts.Count; i++)
        {
            if (ranks.TryGetValue((parts[i], parts[i + 1]), out var found) && found < rank)
            {
                (best, rank) = ((parts[i], parts[i + 1]), found);
            }
        }

        return best;
    }

    private static void Merge(List<string> parts, (string First, string Second) pair)
    {
        for (var i = 0; i + 1 < parts.Count; i++)
        {
            if (parts[i] == pair.First && parts[i + 1] == pair.Second)
            {
                parts[i] = pair.First + pair.Second;
                parts.RemoveAt(i + 1);
            }
        }
    }

    private enum Kind
    {
        Space,
        Letter,
        Digit,
        Other,
    }
}
