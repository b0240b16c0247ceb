using System.Globalization;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services;

/// <summary>A setting with one value. What is wrong with it is told by its name.</summary>
internal static class SettingValue
{
    /// <summary>A duration above zero.</summary>
    /// <param name="section">The setting's section.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="usual">What it is where nothing is set.</param>
    /// <param name="least">The shortest; null: any.</param>
    /// <exception cref="UserErrorException">It is none, or too short.</exception>
    public static TimeSpan Duration(IConfigurationSection section, string key, TimeSpan usual, TimeSpan? least = null)
    {
        if (section[key] is not { Length: > 0 } text)
        {
            return usual;
        }

        // A bare number would be days.
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) && value > TimeSpan.Zero && value >= (least ?? TimeSpan.Zero)
            ? value
            : throw new UserErrorException($"{section.Path}:{key}: '{Printable.Text(text)}' is no duration. It looks like 00:00:30 (hours:minutes:seconds){(least is { } bound ? $", at least {bound:hh\\:mm\\:ss\\.f}" : "")}.");
    }

    /// <summary>A whole number.</summary>
    /// <param name="section">The setting's section.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="usual">What it is where nothing is set.</param>
    /// <param name="least">The least.</param>
    /// <exception cref="UserErrorException">It is none, or less.</exception>
    public static long Number(IConfigurationSection section, string key, long usual, long least)
        => section[key] is not { Length: > 0 } text ? usual
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least ? number
            : throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"{section.Path}:{key}: '{Printable.Text(text)}' is no whole number from {least}."));

    /// <summary>As <see cref="Number"/>, of what is counted: beyond an int's range it is the largest.</summary>
    /// <exception cref="UserErrorException">It is none, or less.</exception>
    public static int Count(IConfigurationSection section, string key, int usual, int least) => (int)Math.Min(int.MaxValue, Number(section, key, usual, least));

    /// <summary>An address of HTTP; null where nothing is set.</summary>
    /// <param name="section">The setting's section.</param>
    /// <param name="key">Its name there.</param>
    /// <param name="example">What one looks like.</param>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static Uri? Address(IConfigurationSection section, string key, string example)
        => section[key] is not { Length: > 0 } text ? null
            : Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
            : throw new UserErrorException($"{section.Path}:{key}: '{Printable.Text(text)}' is no address. It looks like {example}.");
}
