using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Infrastructure.Tests;

/// <summary>A registry on this machine that has one image, whatever it is asked for: of one layer with one empty file, for images to be built upon.</summary>
internal sealed class BaseImageRegistry : IDisposable
{
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json";

    private readonly HttpListener listener = new();
    private readonly Dictionary<string, byte[]> blobs = [];
    private readonly byte[] manifest;

    public BaseImageRegistry()
    {
        var (layer, packed) = Layer();
        var config = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64", os = "linux", created = "2026-01-01T00:00:00Z",
            config = new { Env = new[] { "PATH=/usr/bin:/bin", "ASPNET_VERSION=10.0.0" } },
            rootfs = new { type = "layers", diff_ids = new[] { Digest(layer) } },
            history = new[] { new { created = "2026-01-01T00:00:00Z", created_by = "nobody" } },
        });
        manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2, mediaType = ManifestType,
            config = new { mediaType = "application/vnd.docker.container.image.v1+json", size = config.Length, digest = Digest(config) },
            layers = new[] { new { mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip", size = packed.Length, digest = Digest(packed) } },
        });
        (blobs[Digest(config)], blobs[Digest(packed)]) = (config, packed);
        Address = string.Create(CultureInfo.InvariantCulture, $"localhost:{LoopbackPort.Free(1)[0]}");
        listener.Prefixes.Add($"http://{Address}/");
        listener.Start();
        _ = AnswerAsync();
    }

    /// <summary>Host and port.</summary>
    public string Address { get; }

    /// <inheritdoc/>
    public void Dispose() => listener.Close();

    private async Task AnswerAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var path = context.Request.Url!.AbsolutePath;
            var body = path.Contains("/manifests/", StringComparison.Ordinal) ? manifest
                : path.TrimEnd('/') == "/v2" ? "{}"u8.ToArray()
                : blobs.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..]);
            context.Response.StatusCode = body is null ? 404 : 200;
            context.Response.ContentType = body == manifest ? ManifestType : "application/octet-stream";
            context.Response.Headers["Docker-Content-Digest"] = Digest(body ?? []);
            context.Response.ContentLength64 = body?.Length ?? 0;
            if (context.Request.HttpMethod != "HEAD" && body is not null)
            {
                await context.Response.OutputStream.WriteAsync(body);
            }

            context.Response.Close();
        }
    }

    private static (byte[] Layer, byte[] Packed) Layer()
    {
        using var layer = new MemoryStream();
        using (var tar = new TarWriter(layer, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "etc/base") { DataStream = Stream.Null });
        }

        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zip.Write(layer.ToArray());
        }

        return (layer.ToArray(), packed.ToArray());
    }

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
