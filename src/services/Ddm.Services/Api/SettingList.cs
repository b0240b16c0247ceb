using Microsoft.Extensions.Configuration;

namespace Ddm.Services;

/// <summary>A setting with several values: entries of its own (<c>Ddm__ApiKeys__0</c>), or one text with ';' between.</summary>
internal static class SettingList
{
    /// <summary>Its values; none where it is not set.</summary>
    public static IReadOnlyList<string> Read(IConfiguration configuration, string setting)
    {
        var section = configuration.GetSection(setting);
        var values = section.Value is { } text ? text.Split(';') : section.GetChildren().Select(child => child.Value ?? "");
        return [.. values.Select(value => value.Trim()).Where(value => value.Length > 0)];
    }
}
