using System.Net.Sockets;
using System.Text;

namespace Ddm.Gateway.Tests;

/// <summary>Clients that send slowly, endlessly or packed: each is bounded, and holds nobody up.</summary>
public class SlowClientTests(TinyModel model)
{
    private const int Clients = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(200);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Head => $"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {GatewayServer.Key}\r\nContent-Type: application/json\r\n";

    /// <summary>Headers a byte at a time, a body a byte at a time, half a body and then nothing: hung up on with a 408, while others are answered.</summary>
    [Fact]
    public async Task WhoSendsSlowlyIsHungUpOnAndHoldsNobodyUp()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:HeadersTimeout", "00:00:02"), ("Ddm:Gateway:BodyGrace", "00:00:02"));
        (string Start, string Drip)[] kinds = [(Head, "x"), (Head + "Content-Length: 1000\r\n\r\n", " "), (Head + "Content-Length: 1000\r\n\r\n{\"prompt\"", "")];
        var slow = Enumerable.Range(0, Clients).Select(i => SendSlowlyAsync(gateway, kinds[i % kinds.Length].Start, kinds[i % kinds.Length].Drip)).ToArray();

        while (!Task.WhenAll(slow).IsCompleted)
        {
            await gateway.DrawAsync(new { prompt = "1" });
            await Task.WhenAny(Task.WhenAll(slow), Task.Delay(Beat, Token));
        }

        Assert.All(await Task.WhenAll(slow), answer => Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal));
        Assert.Equal(0, gateway.Engine.Active + gateway.Engine.Waiting);
    }

    /// <summary>A body without a length is read up to the cap and no further.</summary>
    [Fact]
    public async Task AnEndlessBodyEndsAtTheCap()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Host.Address.Host, gateway.Host.Address.Port, Token);
        var stream = socket.GetStream();
        var answer = ReadAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head + "Transfer-Encoding: chunked\r\n\r\n"), Token);
        var chunk = Encoding.ASCII.GetBytes("1000\r\n" + new string(' ', 4096) + "\r\n");
        const long Endless = 30_000_000; // the cap and what connections buffer
        var sent = 0L;
        try
        {
            while (!answer.IsCompleted && sent < Endless)
            {
                await stream.WriteAsync(chunk, Token).AsTask().WaitAsync(Patience, Token);
                sent += chunk.Length;
            }
        }
        catch (IOException)
        {
            // hung up on
        }

        Assert.StartsWith("HTTP/1.1 413", await answer.WaitAsync(Patience, Token), StringComparison.Ordinal);
        Assert.True(sent < Endless, "the body was read without end");
    }

    /// <summary>Nothing is unpacked, in whatever way it says it is packed.</summary>
    [Theory]
    [InlineData("Content-Encoding: gzip", "415")]
    [InlineData("Content-Encoding: br", "415")]
    [InlineData("Content-Encoding: identity, gzip", "415")]
    [InlineData("Content-Type: application/json; charset=utf-16", "415")]
    [InlineData("Content-Length: 70000", "413")]
    public async Task WhatIsPackedOrTooLargeIsRefusedBeforeItIsRead(string header, string status)
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Host.Address.Host, gateway.Host.Address.Port, Token);
        var head = header.StartsWith("Content-Type", StringComparison.Ordinal) ? Head.Replace("Content-Type: application/json", header, StringComparison.Ordinal) : Head + header + "\r\n";
        var length = header.Contains("Length", StringComparison.Ordinal) ? "" : "Content-Length: 60000\r\n";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + length + "\r\n"), Token); // and not a byte of the body

        var line = await new StreamReader(socket.GetStream()).ReadLineAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(4), Token);

        Assert.StartsWith("HTTP/1.1 " + status, line, StringComparison.Ordinal);
    }

    private static async Task<string> SendSlowlyAsync(GatewayServer gateway, string start, string drip)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Host.Address.Host, gateway.Host.Address.Port, Token);
        var stream = socket.GetStream();
        var answer = ReadAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(start), Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        try
        {
            while (!answer.IsCompleted)
            {
                await Task.WhenAny(answer, Task.Delay(Beat, Token));
                Assert.False(patience.IsCancellationRequested, $"a client that sends '{drip}' now and then was not hung up on within {Patience.TotalSeconds} s");
                await stream.WriteAsync(Encoding.ASCII.GetBytes(drip), patience.Token);
            }
        }
        catch (IOException)
        {
            // hung up on
        }

        return await answer.WaitAsync(Patience, Token);
    }

    // All that comes until the other side hangs up, whichever way.
    private static async Task<string> ReadAsync(NetworkStream stream)
    {
        var (text, buffer) = (new StringBuilder(), new byte[4096]);
        try
        {
            while (await stream.ReadAsync(buffer, Token) is var count && count > 0)
            {
                text.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }
        }
        catch (IOException)
        {
            // cut off: what came before counts
        }

        return text.ToString();
    }
}
