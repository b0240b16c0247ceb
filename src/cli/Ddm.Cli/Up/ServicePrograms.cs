using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>Finds the services' programs: beside <c>ddm</c>, each in a folder of its name, or where the repository builds them.</summary>
internal static class ServicePrograms
{
    /// <summary>How a service is started.</summary>
    /// <param name="name">Its project: <c>Ddm.ControlPlane</c>.</param>
    /// <exception cref="UserErrorException">It is nowhere.</exception>
    public static string[] Command(string name)
    {
        var dll = Candidates(name).FirstOrDefault(File.Exists)
            ?? throw new UserErrorException($"the program of the service {name} is not there. In the repository build it first: dotnet build DdmAspire.sln -c Release; else put it into a folder '{name}' beside ddm.");
        return ["dotnet", dll];
    }

    private static IEnumerable<string> Candidates(string name)
    {
        var here = AppContext.BaseDirectory;
        yield return Path.Combine(here, name, name + ".dll");
        yield return Path.Combine(here, "..", name, name + ".dll");

        // bin/Release/net10.0 of the command line and of a service end alike.
        var folders = new DirectoryInfo(here);
        var build = Path.Combine("bin", folders.Parent?.Name ?? "", folders.Name);
        for (var folder = folders; folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
            {
                yield return Path.Combine(folder.FullName, "src", "services", name, build, name + ".dll");
            }
        }
    }
}
