namespace Ddm.Data;

/// <summary>Formats that pictures are written in.</summary>
public enum PictureEncoding
{
    /// <summary>Without loss.</summary>
    Png,

    /// <summary>With loss.</summary>
    Jpeg,

    /// <summary>With loss.</summary>
    Webp,
}

/// <summary>Names of <see cref="PictureEncoding"/>.</summary>
public static class PictureEncodings
{
    /// <summary>The extension of its files, without a dot: <c>png</c>, <c>jpeg</c>, <c>webp</c>.</summary>
    public static string Extension(this PictureEncoding format) => format.ToString().ToLowerInvariant();

    /// <summary>Its media type.</summary>
    public static string MediaType(this PictureEncoding format) => "image/" + format.Extension();
}
