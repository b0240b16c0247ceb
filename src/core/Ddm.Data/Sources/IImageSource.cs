namespace Ddm.Data;

/// <summary>Pictures as their user keeps them, in a fixed order. Safe to read from several threads.</summary>
public interface IImageSource
{
    /// <summary>Pictures, good and bad.</summary>
    int Count { get; }

    /// <summary>Class names in the order of the labels; empty: the pictures have no labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>A hash that changes when the pictures do: of the files' content (IDX) or of their names, lengths and times (folders).</summary>
    string Fingerprint { get; }

    /// <summary>What messages call a picture: <c>cats/12.png</c>, <c>images-idx3-ubyte[12]</c>.</summary>
    string NameOf(int row);

    /// <summary>Picture number <paramref name="row"/>, from 0.</summary>
    /// <exception cref="BadImageException">This one picture cannot be read.</exception>
    RawImage Read(int row);
}
