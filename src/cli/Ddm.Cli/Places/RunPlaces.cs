using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Chooses between home folder and server. What the command line names goes before what the environment names.</summary>
internal static class RunPlaces
{
    private const string ServerVariable = "DDM_SERVER";
    private const string KeyVariable = "DDM_API_KEY";

    /// <summary>The server's address.</summary>
    public static readonly Option<string?> Server = new("--server") { Description = $"Ask this control plane instead of a home folder [default: ${ServerVariable}]", HelpName = "URL" };

    /// <summary>The server's key.</summary>
    public static readonly Option<string?> Key = new("--key") { Description = $"Key of the server; better in ${KeyVariable}, where other users cannot see it", HelpName = "KEY" };

    /// <summary>Adds the options of a place to a command.</summary>
    public static Command AtAPlace(this Command command)
    {
        command.Options.Add(Server);
        command.Options.Add(Key);
        return command;
    }

    /// <summary>The place that a command line means.</summary>
    /// <exception cref="UserErrorException">It names two, or no address of a server.</exception>
    public static IRunPlace Of(ParseResult parsed) => AddressOf(parsed) is { } address ? new ServerPlace(ServerOf(address, parsed)) : new HomePlace(CommonOptions.StoreOf(parsed));

    /// <summary>The server that a command line means.</summary>
    /// <exception cref="UserErrorException">It names none.</exception>
    public static ServerClient RequireServer(ParseResult parsed) => AddressOf(parsed) is { } address
        ? ServerOf(address, parsed)
        : throw new UserErrorException($"which server? Give its address with --server URL or set {ServerVariable}. On this machine alone: ddm run SPEC; or start a server with ddm up.");

    private static string? AddressOf(ParseResult parsed)
    {
        var server = parsed.GetValue(Server);
        var home = parsed.GetResult(CommonOptions.Home) is { Implicit: false } || parsed.GetResult(CommonOptions.Blobs) is { Implicit: false };
        if (server is not null && home)
        {
            throw new UserErrorException("give either --server, or --home or --blobs: a server has a store of its own.");
        }

        return home ? null : server ?? FromEnvironment(ServerVariable);
    }

    /// <summary>The server at an address, with the key that a command line means.</summary>
    /// <exception cref="UserErrorException">It is no address, or the key is none.</exception>
    public static ServerClient ServerOf(string address, ParseResult parsed)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Query.Length + uri.Fragment.Length + uri.UserInfo.Length > 0)
        {
            throw new UserErrorException($"'{Printable.Text(address)}' is no address of a server; give one such as http://localhost:5080 (the key goes into {KeyVariable}).");
        }

        var key = parsed.GetValue(Key) ?? FromEnvironment(KeyVariable);
        if (key is null && uri.IsLoopback && ApiKeyFile.DefaultPath is { } file)
        {
            key = ApiKeyFile.Read(file); // that of a server which this user started
        }

        if (key is not null && key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            throw new UserErrorException("the key has a blank or a letter beyond ASCII, which no key has. Copy it again.");
        }

        if (key is not null && uri.Scheme == "http" && !uri.IsLoopback)
        {
            Console.Error.WriteLine($"warning: the key goes to {uri.Host} unencrypted; use https or a tunnel.");
        }

        return new ServerClient(uri, key);
    }

    private static string? FromEnvironment(string name) => Environment.GetEnvironmentVariable(name) is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;
}
