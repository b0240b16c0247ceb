namespace Ddm.Cli;

/// <summary>Finds programs as a shell does.</summary>
internal static class PathSearch
{
    /// <summary>The program's full path; null where the path has none of this name.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => OperatingSystem.IsWindows() ? new[] { ".exe", ".cmd", ".bat" }.Select(end => Path.Combine(folder, program + end)) : [Path.Combine(folder, program)])
        .FirstOrDefault(File.Exists);
}
