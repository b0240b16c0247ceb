using System.Globalization;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>Azurite, the blob service for one machine, with its blobs under the home.</summary>
internal sealed class LocalAzurite(string folder, UpPorts ports)
{
    private const string Program = "azurite-blob";

    // The public name and key of every emulator (learn.microsoft.com: "Use the Azurite emulator").
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <summary>What services are told.</summary>
    public string ConnectionString => string.Create(
        CultureInfo.InvariantCulture, $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{ports.Blobs}/{Account};");

    /// <summary>Starts it.</summary>
    /// <exception cref="UserErrorException">It is not installed.</exception>
    public LocalProcess Start(string log)
    {
        var program = Find();
        Directory.CreateDirectory(folder);
        string[] arguments =
        [
            "--blobHost", "127.0.0.1", "--blobPort", ports.Blobs.ToString(CultureInfo.InvariantCulture), "--location", folder,
            "--skipApiVersionCheck", "--disableTelemetry", "--silent", // Azurite knows service versions later than clients do
        ];
        return LocalProcess.Start("azurite", log, [program, .. arguments], new Dictionary<string, string>());
    }

    /// <summary>Whether it takes connections.</summary>
    public Task<bool> AnswersAsync(CancellationToken cancellationToken) => Probe.ListensAsync(ports.Blobs, cancellationToken);

    /// <summary>The program: that of <c>DDM_AZURITE</c>, else the one in the path.</summary>
    /// <exception cref="UserErrorException">It is not installed.</exception>
    public static string Find()
    {
        const string Remedy = "Install it: npm install -g azurite. Without it: ddm up --blobs folder, which keeps the blobs as files in the home.";
        return Environment.GetEnvironmentVariable("DDM_AZURITE") is { Length: > 0 } named
            ? File.Exists(named) ? named : throw new UserErrorException($"DDM_AZURITE names '{named}', which is not there. {Remedy}")
            : PathSearch.Find(Program) ?? throw new UserErrorException($"Azurite ({Program}) is not installed. {Remedy}");
    }
}
