using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Ddm.Tests;

/// <summary>Signals to processes of ours.</summary>
internal static class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends one.</summary>
    public static void Send(int process, int signal)
    {
        if (NativeKill(process, signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"signal {signal} to process {process}");
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int process, int signal);
}
