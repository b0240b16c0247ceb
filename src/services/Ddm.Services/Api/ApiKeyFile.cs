using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The key that is made where none is configured: a file that its owner alone may read.</summary>
public static class ApiKeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Where it lies unless the setting says otherwise: the user's own data folder; null for a user without one.</summary>
    public static string? DefaultPath => Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } folder
        ? Path.Combine(folder, "ddm", "api-key") : null;

    /// <summary>A new key: 256 random bits.</summary>
    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>The key in the file; null where there is no file.</summary>
    /// <exception cref="UserErrorException">Others may read it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string? Read(string path) => Read(path, Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY"));

    /// <summary>As the other overload.</summary>
    /// <param name="path">The file.</param>
    /// <param name="credentials">Where systemd put this service's credentials; null: nowhere. It lets the service's user in by an access list, which shows as a group's permission.</param>
    internal static string? Read(string path, string? credentials)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0 && (string.IsNullOrEmpty(credentials) || Path.GetDirectoryName(Path.GetFullPath(path)) != Path.GetFullPath(credentials)))
        {
            throw new UserErrorException($"the key file '{path}' is open to others than its owner. Close it with 'chmod 600 {path}', or delete it to get a new key.");
        }

        return File.ReadAllText(path).Trim() is { Length: > 0 } key ? key : null;
    }

    /// <summary>The key in the file, made first where there is none. Of several processes that make it at once one wins.</summary>
    /// <exception cref="UserErrorException">Others may read it.</exception>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public static string ReadOrCreate(string path)
    {
        if (Read(path) is { } known)
        {
            return known;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var key = NewKey();
        var whole = path + "." + Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(whole, options))
        {
            file.Write(Encoding.ASCII.GetBytes(key + "\n"));
        }

        try
        {
            File.Move(whole, path, overwrite: false); // whole or not at all, so that no one reads half a key
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(whole);
        }

        return Read(path) ?? throw new IOException($"the key file '{path}' is empty; delete it to get a new key.");
    }
}
