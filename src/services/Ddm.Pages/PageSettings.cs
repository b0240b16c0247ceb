using Ddm.Runs;
using Ddm.Services;
using Microsoft.Extensions.Configuration;

namespace Ddm.Pages;

/// <summary>What pages are told: section <c>Ddm:Pages</c>.</summary>
internal sealed record PageSettings
{
    /// <summary>The section.</summary>
    public const string Section = "Ddm:Pages";

    /// <summary>Names that a request's Host may say where the host listens on this machine alone, besides the machine's own: those of a proxy.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Where the control plane's pages are; null: nobody said.</summary>
    public Uri? Runs { get; init; }

    /// <summary>Where the gateway's pages are; null: nobody said.</summary>
    public Uri? Playground { get; init; }

    /// <summary>Reads the section.</summary>
    /// <exception cref="UserErrorException">A value is no address.</exception>
    public static PageSettings From(IConfiguration configuration)
    {
        const string Example = "http://127.0.0.1:5080";
        var section = configuration.GetSection(Section);
        return new PageSettings
        {
            Hosts = SettingList.Read(configuration, $"{Section}:{nameof(Hosts)}"),
            Runs = SettingValue.Address(section, nameof(Runs), Example),
            Playground = SettingValue.Address(section, nameof(Playground), Example),
        };
    }
}
