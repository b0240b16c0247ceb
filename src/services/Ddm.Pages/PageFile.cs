using System.Security.Cryptography;

namespace Ddm.Pages;

/// <summary>A file of the pages.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Type">Its media type.</param>
/// <param name="Tag">Changes with its content.</param>
internal sealed record PageFile(byte[] Content, string Type, string Tag)
{
    private const string Prefix = "pages/";
    private const int TagDigits = 16;

    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".yaml"] = "text/plain; charset=utf-8",
    };

    /// <summary>All of them by name, read from the assembly.</summary>
    public static IReadOnlyDictionary<string, PageFile> All { get; } = typeof(PageFile).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
        .ToDictionary(name => name[Prefix.Length..], Read, StringComparer.Ordinal);

    private static PageFile Read(string resource)
    {
        using var stream = typeof(PageFile).Assembly.GetManifestResourceStream(resource)!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var content = bytes.ToArray();
        return new PageFile(content, Types[Path.GetExtension(resource)], $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..TagDigits]}\"");
    }
}
