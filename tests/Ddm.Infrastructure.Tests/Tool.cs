using System.Diagnostics;

namespace Ddm.Infrastructure.Tests;

/// <summary>A program that tests run.</summary>
internal static class Tool
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>Runs it to its end.</summary>
    /// <returns>Exit code, standard output, standard error.</returns>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(string program, IEnumerable<string> arguments, params (string Key, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository.Root };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        using var process = Process.Start(start)!;
        var (said, complained) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Longest, TestContext.Current.CancellationToken);
        return (process.ExitCode, await said, await complained);
    }

    /// <summary>Runs a script of tests/tools by Node.js, with packages that tests/install.sh brings.</summary>
    /// <param name="script">Its file.</param>
    /// <param name="package">Name and version of the package, <c>name-1.2.3</c>, whose modules it needs.</param>
    /// <param name="arguments">What follows.</param>
    /// <returns>What it printed.</returns>
    public static async Task<string> NodeAsync(string script, string package, params string[] arguments)
    {
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS")
            ?? Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "ddm-tests");
        var modules = Path.Combine(tools, package, "node_modules");
        Assert.True(Directory.Exists(modules), $"No {modules}: run tests/install.sh.");
        var (code, output, errors) = await RunAsync("node", [Path.Combine(AppContext.BaseDirectory, script), modules, .. arguments]);
        Assert.True(code == 0, output + errors);
        return output;
    }
}
