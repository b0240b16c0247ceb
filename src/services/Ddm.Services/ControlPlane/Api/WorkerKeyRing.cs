using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The keys of outside workers, kept as hashes: <c>NAME@POOL=KEY</c>, or <c>NAME=KEY</c> for every pool.</summary>
internal sealed partial class WorkerKeyRing
{
    private readonly IReadOnlyList<(KeyHolder Holder, byte[] Hash)> keys;

    /// <param name="settings">The entries; a key as it is, or <c>sha256:</c> and its hash in hexadecimal.</param>
    /// <exception cref="UserErrorException">One cannot be read; the message does not repeat its key.</exception>
    public WorkerKeyRing(IReadOnlyList<string> settings)
    {
        keys = [.. settings.Select(Read)];
        if (keys.GroupBy(key => key.Holder.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new UserErrorException($"{ApiSettings.WorkerKeysSetting}: two keys are named '{twice.Key}'. Give each its own name: a worker's name begins with it.");
        }
    }

    /// <summary>The pools that keys are limited to.</summary>
    public IReadOnlyList<string> Pools => [.. keys.Select(key => key.Holder.Pool).OfType<string>().Distinct(StringComparer.Ordinal)];

    /// <summary>Whose key it is; null: nobody's. Takes the same time whatever key it is.</summary>
    public KeyHolder? Find(string key)
    {
        var asked = ApiKeyRing.HashOf(key);
        KeyHolder? found = null;
        foreach (var (holder, hash) in keys)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, asked) ? holder : found;
        }

        return found;
    }

    private static (KeyHolder Holder, byte[] Hash) Read(string setting, int index)
    {
        var place = FormattableString.Invariant($"{ApiSettings.WorkerKeysSetting}, entry {index}");
        var entry = Entry().Match(setting);
        if (!entry.Success)
        {
            throw new UserErrorException($"{place}: expected NAME@POOL=KEY or NAME=KEY, NAME of 1 to 40 letters, digits, '.' and '_'.");
        }

        var pool = entry.Groups["pool"] is { Success: true, Value: var named } ? named : null;
        return pool is not null && !PoolName.IsValid(pool)
            ? throw new UserErrorException($"{place}: '{Printable.Text(pool)}' cannot name a pool; expected {PoolName.Rule}.")
            : (new KeyHolder(entry.Groups["name"].Value, pool), ApiKeyRing.Hash(entry.Groups["key"].Value, place));
    }

    // No '-' in a name: what comes before the first one in a record's name is whose record it is.
    [GeneratedRegex(@"\A(?<name>[A-Za-z0-9._]{1,40})(@(?<pool>[^=]*))?=(?<key>.+)\z")]
    private static partial Regex Entry();
}
