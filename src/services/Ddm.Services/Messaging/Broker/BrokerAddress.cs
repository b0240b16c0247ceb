using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where the broker is: <c>amqp://user:password@host:port/vhost</c>, or <c>amqps</c> for TLS.</summary>
public sealed record BrokerAddress
{
    /// <summary>The setting that names it.</summary>
    public const string Setting = "ConnectionStrings:messaging";

    private const string Example = "amqp://user:password@host:5672/vhost";

    private BrokerAddress(Uri uri, string user, string password, string virtualHost)
        => (Uri, User, Password, VirtualHost) = (uri, user, password, virtualHost);

    /// <summary>The whole address, password and all: for clients, never for messages.</summary>
    public Uri Uri { get; }

    /// <summary>Who this process is to the broker.</summary>
    public string User { get; }

    /// <summary>Its password.</summary>
    public string Password { get; }

    /// <summary>The virtual host; <c>/</c> where none is named.</summary>
    public string VirtualHost { get; }

    /// <summary>Host and port, for people.</summary>
    public string Place => FormattableString.Invariant($"{Uri.Host}:{Port}");

    /// <summary>The port, the protocol's own where none is named.</summary>
    public int Port => Uri.Port > 0 ? Uri.Port : IsSecure ? 5671 : 5672;

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsSecure => Uri.Scheme == "amqps";

    /// <summary>Whether the broker is on this machine.</summary>
    public bool IsLocal => Uri.IsLoopback;

    /// <summary>Reads an address.</summary>
    /// <param name="text">The address.</param>
    /// <param name="place">What the user calls it: the setting or option that it came from.</param>
    /// <exception cref="UserErrorException">It is missing or is none; the message does not repeat it, for it holds a password.</exception>
    public static BrokerAddress Parse(string? text, string place = Setting)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new UserErrorException($"{place} is not set. Give the broker's address: {Example}.");
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0)
        {
            throw new UserErrorException($"{place} is no broker's address. It looks like {Example}, or amqps:// for TLS.");
        }

        var path = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        if (path.Contains('/', StringComparison.Ordinal) && path != "/")
        {
            throw new UserErrorException($"{place}: '{path}' is no virtual host. Write a '/' in its name as %2f.");
        }

        var login = uri.UserInfo.Split(':', 2);
        var user = login[0].Length > 0 ? Uri.UnescapeDataString(login[0]) : "guest";
        var password = login.Length > 1 ? Uri.UnescapeDataString(login[1]) : login[0].Length > 0 ? "" : "guest";
        return new BrokerAddress(uri, user, password, path.Length == 0 ? "/" : path);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Uri.Scheme}://{Place}/{Uri.EscapeDataString(VirtualHost)}";
}
