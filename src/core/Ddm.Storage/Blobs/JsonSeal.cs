namespace Ddm.Storage;

/// <summary>
/// The last field of a JSON blob, <c>"seal"</c>: SHA-256 of the document without it. A flipped bit in a number is still good JSON, and would otherwise
/// be believed. A document without the field is taken as it is, so that a person may write one by hand or edit one and leave the seal out.
/// </summary>
internal static class JsonSeal
{
    private const int HashLength = 64;

    private static ReadOnlySpan<byte> End => "\n}\n"u8;

    private static ReadOnlySpan<byte> Before => ",\n  \"seal\": \""u8;

    private static ReadOnlySpan<byte> After => "\"\n}\n"u8;

    /// <summary>Adds the seal to an indented JSON object; anything else comes back as it is.</summary>
    public static byte[] Apply(byte[] document)
    {
        if (!document.AsSpan().EndsWith(End) || document.Length <= End.Length + 1)
        {
            return document;
        }

        return [.. document.AsSpan(..^End.Length), .. Before, .. System.Text.Encoding.ASCII.GetBytes(Sha256.Of(document)), .. After];
    }

    /// <summary>Holds a sealed document against its seal.</summary>
    /// <exception cref="InvalidDataException">It was changed since; the message names <paramref name="name"/>.</exception>
    public static void Check(string name, ReadOnlySpan<byte> bytes)
    {
        var at = bytes.Length - Before.Length - HashLength - After.Length;
        if (at <= 0 || !bytes.EndsWith(After) || !bytes[at..].StartsWith(Before))
        {
            return;
        }

        var found = Sha256.Of([.. bytes[..at], .. End]);
        var told = System.Text.Encoding.ASCII.GetString(bytes.Slice(at + Before.Length, HashLength));
        if (found != told)
        {
            throw new InvalidDataException($"{name} ({bytes.Length} bytes) was changed after it had been written: its content has sha256 {found}, its seal says "
                + $"{told}. (To edit it by hand, leave the 'seal' field out.)");
        }
    }
}
