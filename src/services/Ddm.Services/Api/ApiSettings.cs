using System.Globalization;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What decides who may use the API.</summary>
internal sealed record ApiSettings
{
    /// <summary>Setting: the keys, or their hashes.</summary>
    public const string KeysSetting = "Ddm:ApiKeys";

    /// <summary>Setting: the keys of outside workers.</summary>
    public const string WorkerKeysSetting = "Ddm:WorkerKeys";

    /// <summary>Setting: the file of the key that is made where none is configured.</summary>
    public const string KeyFileSetting = "Ddm:ApiKeyFile";

    /// <summary>Setting: <c>false</c> opens the API to everybody who reaches its port.</summary>
    public const string RequireSetting = "Ddm:RequireApiKey";

    /// <summary>Setting: wrong keys that one address may try in a minute.</summary>
    public const string WrongKeysSetting = "Ddm:WrongKeysPerMinute";

    private const int DefaultWrongKeys = 30, MostWrongKeys = 1_000_000;

    /// <summary>Whether a key is needed.</summary>
    public required bool RequireKey { get; init; }

    /// <summary>The keys.</summary>
    public required ApiKeyRing Keys { get; init; }

    /// <summary>The keys of outside workers.</summary>
    public required WorkerKeyRing WorkerKeys { get; init; }

    /// <summary>Wrong keys that one address may try in a minute.</summary>
    public required int WrongKeysPerMinute { get; init; }

    /// <summary>Reads the settings; makes a key where none is configured.</summary>
    /// <exception cref="UserErrorException">A setting cannot be read, a key is too short, or its file is open to others.</exception>
    public static ApiSettings From(IConfiguration configuration, ILogger log)
    {
        var require = ReadRequire(configuration[RequireSetting]);
        if (!require)
        {
            log.LogWarning("{Setting} is false: whoever reaches this port may start, stop and read runs", RequireSetting);
        }

        var keys = SettingList.Read(configuration, KeysSetting);
        return new ApiSettings
        {
            RequireKey = require,
            Keys = new ApiKeyRing(keys.Count > 0 || !require ? keys : [Generated(configuration[KeyFileSetting] ?? ApiKeyFile.DefaultPath, log)]),
            WorkerKeys = new WorkerKeyRing(SettingList.Read(configuration, WorkerKeysSetting)),
            WrongKeysPerMinute = ReadWrongKeys(configuration[WrongKeysSetting]),
        };
    }

    private static bool ReadRequire(string? text) => text is not { Length: > 0 } ? true
        : bool.TryParse(text, out var value) ? value
        : throw new UserErrorException($"{RequireSetting}: '{Printable.Text(text)}' is neither true nor false.");

    private static int ReadWrongKeys(string? text) => text is not { Length: > 0 } ? DefaultWrongKeys
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is >= 1 and <= MostWrongKeys ? value
        : throw new UserErrorException($"{WrongKeysSetting}: '{Printable.Text(text)}' is no whole number from 1 to {MostWrongKeys}.");

    private static string Generated(string? file, ILogger log)
    {
        try
        {
            if (file is not null)
            {
                var key = ApiKeyFile.ReadOrCreate(file);
                log.LogInformation("No {Setting} is set: the key in {File} opens the API", KeysSetting, file);
                return key;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("The key file {File} cannot be used: {Reason}", file, e.Message);
        }

        var once = ApiKeyFile.NewKey();
        log.LogWarning("No {Setting} is set and there is no file to keep a key in. Until this process ends this key opens the API: {Key}", KeysSetting, once);
        return once;
    }
}
