using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The keys that open the API, kept as hashes.</summary>
internal sealed class ApiKeyRing
{
    /// <summary>What a setting starts with that holds a key's hash and not the key.</summary>
    public const string HashPrefix = "sha256:";

    /// <summary>Too short to be found by trying is nothing of this length or more: a good key may then pass however many wrong ones came before it.</summary>
    private const int ShortestKey = 24;

    private const int IdDigits = 12;
    private static readonly string[] Scopes = [ApiKey.Runs, ApiKey.Images, ApiKey.Experts];

    private readonly (byte[] Hash, ApiKey Key)[] keys;

    /// <param name="settings">Keys, or <c>sha256:</c> and the hash of one in hexadecimal; each after <c>images:</c>, <c>runs:</c> or <c>experts:</c> opens that alone.</param>
    /// <exception cref="UserErrorException">One is too short or no hash; the message does not repeat it.</exception>
    public ApiKeyRing(IReadOnlyList<string> settings) => keys = [.. settings.Select(Read)];

    /// <summary>Whether a key is on the ring. Takes the same time whatever key it is.</summary>
    public bool Holds(string key) => Find(key) is not null;

    /// <summary>The key as the ring knows it; null: it is not there. Takes the same time whatever key it is.</summary>
    public ApiKey? Find(string key)
    {
        var asked = HashOf(key);
        ApiKey? found = null;
        foreach (var (hash, known) in keys)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, asked) ? known : found;
        }

        return found;
    }

    /// <summary>The key of an id, with its hash; null: it is not on the ring (any more).</summary>
    public (byte[] Hash, ApiKey Key)? FindId(string id)
    {
        var index = Array.FindLastIndex(keys, known => known.Key.Id == id);
        return index < 0 ? null : keys[index];
    }

    private static (byte[] Hash, ApiKey Key) Read(string setting, int index)
    {
        var scope = Scopes.FirstOrDefault(name => setting.StartsWith(name + ":", StringComparison.Ordinal));
        var hash = Hash(scope is null ? setting : setting[(scope.Length + 1)..], FormattableString.Invariant($"{ApiSettings.KeysSetting}, entry {index}"));
        return (hash, new ApiKey(Convert.ToHexStringLower(hash)[..IdDigits], scope));
    }

    /// <summary>What is kept of a key.</summary>
    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>What is kept of a key that a setting gives, as it is or as its hash.</summary>
    /// <exception cref="UserErrorException">It is too short or no hash.</exception>
    public static byte[] Hash(string setting, string place)
    {
        if (!setting.StartsWith(HashPrefix, StringComparison.Ordinal))
        {
            return setting.Length >= ShortestKey
                ? HashOf(setting)
                : throw new UserErrorException($"{place}: a key has {ShortestKey} characters at least. Make one with 'openssl rand -base64 32'.");
        }

        try
        {
            var hash = Convert.FromHexString(setting.AsSpan(HashPrefix.Length));
            return hash.Length == SHA256.HashSizeInBytes ? hash : throw new FormatException();
        }
        catch (FormatException e)
        {
            throw new UserErrorException(
                $"{place}: after '{HashPrefix}' come the 64 hexadecimal digits of a SHA-256. Make them with 'printf %s KEY | sha256sum'.", e);
        }
    }
}
