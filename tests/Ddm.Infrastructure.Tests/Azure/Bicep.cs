using System.Reflection;
using System.Text.Json;

namespace Ddm.Infrastructure.Tests;

/// <summary>The bicep compiler, from its NuGet package.</summary>
internal static class Bicep
{
    private static readonly Lazy<string> Program = new(Find);

    /// <summary>Compiles and lints a file.</summary>
    /// <returns>What it complains of; empty: nothing.</returns>
    public static async Task<string> LintAsync(string file)
    {
        var (code, _, errors) = await RunAsync("build", Repository.PathOf(file), "--stdout");
        return code == 0 ? errors.Trim() : $"exit code {code}{Environment.NewLine}{errors}";
    }

    /// <summary>The resources that a deployment would make, by the compiler's own evaluation: loops, conditions and functions done, what only Azure knows left as expressions.</summary>
    /// <param name="module">Folder of infra/ whose main.bicep is meant.</param>
    /// <param name="parameters">Its parameters, in bicep's notation.</param>
    public static async Task<IReadOnlyList<JsonElement>> PredictAsync(string module, params (string Name, string Value)[] parameters)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-test-");
        try
        {
            var file = Path.Combine(folder.FullName, "test.bicepparam");
            var template = Path.GetRelativePath(folder.FullName, Repository.PathOf($"infra/{module}/main.bicep"));
            await File.WriteAllLinesAsync(file, [$"using '{template}'", .. parameters.Select(parameter => $"param {parameter.Name} = {parameter.Value}")]);
            string[] group = Repository.Read($"infra/{module}/main.bicep").Contains("targetScope = 'subscription'", StringComparison.Ordinal) ? [] : ["--resource-group", "rg-test"];
            var (code, output, errors) = await RunAsync(
                ["snapshot", file, "--mode", "overwrite", "--subscription-id", Guid.Empty.ToString(), "--location", "swedencentral", .. group]);
            Assert.True(code == 0, output + errors);
            using var snapshot = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "test.snapshot.json")));
            return [.. snapshot.RootElement.GetProperty("predictedResources").EnumerateArray().Select(resource => resource.Clone())];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
        => Tool.RunAsync(Program.Value, arguments, ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"));

    private static string Find()
    {
        var folder = typeof(Bicep).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "BicepFolder").Value!;
        var program = Path.Combine(folder, "tools", "bicep");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, File.GetUnixFileMode(program) | UnixFileMode.UserExecute);
        }

        return program;
    }
}
