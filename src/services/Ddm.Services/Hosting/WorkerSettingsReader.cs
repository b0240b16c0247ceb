using System.Globalization;
using System.Text.RegularExpressions;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services;

/// <summary>Reads the section <c>Ddm</c>; what is wrong is told by the setting's name.</summary>
internal static partial class WorkerSettingsReader
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    /// <summary>The settings.</summary>
    /// <exception cref="UserErrorException">One cannot be read or makes no sense.</exception>
    public static WorkerSettings Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(WorkerSettings.Section);
        var defaults = new WorkerSettings();
        var settings = new WorkerSettings
        {
            Pool = Pool(section, defaults.Pool),
            Worker = section[nameof(WorkerSettings.Worker)] is { Length: > 0 } name ? Worker(name) : null,
            AcknowledgementTimeout = Duration(section, nameof(WorkerSettings.AcknowledgementTimeout), defaults.AcknowledgementTimeout),
            StopNotice = Duration(section, nameof(WorkerSettings.StopNotice), defaults.StopNotice),
            LocalFolder = LocalFolder(section),
            OwnerTimeout = Duration(section, nameof(WorkerSettings.OwnerTimeout), defaults.OwnerTimeout),
            ReconcileEvery = Duration(section, nameof(WorkerSettings.ReconcileEvery), defaults.ReconcileEvery),
            ResendAfter = Duration(section, nameof(WorkerSettings.ResendAfter), defaults.ResendAfter),
            StuckAfter = Duration(section, nameof(WorkerSettings.StuckAfter), defaults.StuckAfter),
            ReplicaTimeout = OptionalDuration(section, nameof(WorkerSettings.ReplicaTimeout)),
            ExitWhenIdle = OptionalDuration(section, nameof(WorkerSettings.ExitWhenIdle)),
            DeviceShare = Share(section, nameof(WorkerSettings.DeviceShare), defaults.DeviceShare),
        };
        return settings.ReplicaTimeout is { } replica && replica - settings.DrainAfter < settings.StopNotice
            ? throw new UserErrorException($"{SettingNames.ReplicaTimeout}: {replica} leaves no time to stop in: a fifth of it must be longer than {SettingNames.StopNotice}, {settings.StopNotice}.")
            : settings;
    }

    /// <summary>The broker's management API; null where it is not said.</summary>
    /// <exception cref="UserErrorException">It is no address.</exception>
    public static Uri? ReadManagement(IConfiguration configuration) => SettingValue.Address(configuration.GetSection(WorkerSettings.Section), "BrokerManagement", "http://host:15672");

    /// <summary>The port for metrics alone; null where none is said.</summary>
    /// <exception cref="UserErrorException">It is no port.</exception>
    public static int? ReadMetricsPort(IConfiguration configuration) => configuration[SettingNames.MetricsPort] is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port
        : throw new UserErrorException($"{SettingNames.MetricsPort}: '{Printable.Text(text)}' is no port. It looks like 9464.");

    private static string Pool(IConfigurationSection section, string otherwise)
    {
        var pool = section[nameof(WorkerSettings.Pool)];
        return string.IsNullOrEmpty(pool) ? otherwise
            : PoolName.IsValid(pool) ? pool
            : throw new UserErrorException($"{section.Path}:Pool: '{Printable.Text(pool)}' cannot name a pool; expected {PoolName.Rule}.");
    }

    private static string? LocalFolder(IConfigurationSection section)
    {
        const string Nowhere = "none";
        return section[nameof(WorkerSettings.LocalFolder)] switch
        {
            Nowhere => null,
            { Length: > 0 } folder when folder.Contains('\0', StringComparison.Ordinal) || !Path.IsPathFullyQualified(folder) => throw new UserErrorException(
                $"{section.Path}:{nameof(WorkerSettings.LocalFolder)}: '{Printable.Text(folder)}' is no folder; expected a full path, or '{Nowhere}'."),
            { Length: > 0 } folder => folder,
            _ => Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data
                ? Path.Combine(data, "ddm", "local") : Path.Combine(Path.GetTempPath(), "ddm-local"),
        };
    }

    private static string Worker(string name) => WorkerName().IsMatch(name)
        ? name
        : throw new UserErrorException($"Ddm:Worker: '{Printable.Text(name)}' cannot name a worker; expected 1 to 63 of letters, digits, '.', '_' and '-'.");

    private static double Share(IConfigurationSection section, string key, double otherwise)
        => section[key] is not { Length: > 0 } text ? otherwise
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 1 ? value
            : throw new UserErrorException($"{section.Path}:{key}: '{Printable.Text(text)}' is no share. It looks like 0.5: above 0, at most 1.");

    private static TimeSpan? OptionalDuration(IConfigurationSection section, string key)
        => section[key] is { Length: > 0 } ? Duration(section, key, TimeSpan.Zero) : null;

    private static TimeSpan Duration(IConfigurationSection section, string key, TimeSpan otherwise) => SettingValue.Duration(section, key, otherwise, Shortest);

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,63}\z")]
    private static partial Regex WorkerName();
}
