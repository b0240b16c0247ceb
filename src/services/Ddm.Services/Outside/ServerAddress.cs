using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services;

/// <summary>The control plane that an outside worker works for, and the key that it has there.</summary>
/// <param name="Uri">Its address.</param>
/// <param name="Key">The key: for requests, never for messages.</param>
public sealed record ServerAddress(Uri Uri, string Key)
{
    /// <summary>Setting: the address. Where it is set, a trainer asks the control plane instead of broker and store.</summary>
    public const string Setting = "ConnectionStrings:controlplane";

    /// <summary>Setting: the key.</summary>
    public const string KeySetting = "Ddm:ApiKey";

    /// <summary>Setting: the file that the key is in.</summary>
    public const string KeyFileSetting = "Ddm:ApiKeyFile";

    /// <summary>Reads the settings; null where no control plane is named.</summary>
    /// <exception cref="UserErrorException">They are wrong or do not go together.</exception>
    public static ServerAddress? From(IConfiguration configuration)
    {
        if (configuration[Setting] is not { Length: > 0 } text)
        {
            return null;
        }

        foreach (var other in (string[])[BrokerAddress.Setting, Ddm.Storage.BlobStores.Setting])
        {
            if (configuration[other] is { Length: > 0 })
            {
                throw new UserErrorException($"{Setting} and {other} are both set. A worker either asks a control plane for everything, or is given broker and store: leave one out.");
            }
        }

        return new ServerAddress(Parse(text, Setting), ReadKey(configuration));
    }

    /// <summary>Reads an address.</summary>
    /// <exception cref="UserErrorException">It is none, or its connection would be open to everybody on the way.</exception>
    public static Uri Parse(string text, string place)
    {
        if (text.AsSpan().ContainsAny('@', '?'))
        {
            // Not repeated: it may hold a secret.
            throw new UserErrorException($"{place}: an address of a control plane has no login and no query; it looks like https://host. The key goes into {KeySetting} or {KeyFileSetting}.");
        }

        return !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.Scheme is not ("http" or "https")
            ? throw new UserErrorException($"{place}: '{Printable.Text(text)}' is no address of a control plane. It looks like https://host.")
            : uri.Scheme == "http" && !uri.IsLoopback
            ? throw new UserErrorException($"{place}: {uri.GetLeftPart(UriPartial.Authority)} is not https. The key and the weights would cross the network in the open: give the https address. http is for this machine alone.")
            : uri;
    }

    private static string ReadKey(IConfiguration configuration)
    {
        if (configuration[KeySetting] is { Length: > 0 } key)
        {
            return key.Trim();
        }

        if (configuration[KeyFileSetting] is not { Length: > 0 } file)
        {
            throw new UserErrorException($"{Setting} is set and there is no key: give {KeySetting}, or {KeyFileSetting} with the path of a file that holds it.");
        }

        try
        {
            return ApiKeyFile.Read(file) ?? throw new UserErrorException($"{KeyFileSetting}: '{file}' is not there, or is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{KeyFileSetting}: '{file}' cannot be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Uri.GetLeftPart(UriPartial.Authority);
}
