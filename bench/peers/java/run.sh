#!/bin/sh
# Runs a Java peer: run.sh aeron|disruptor|chronicle rtt|throughput.
#
# No garbage is made while measuring, so the collector is the simplest; nobody asks for safepoints
# at intervals; Agrona does not check bounds, as in Aeron's own benchmarks. The --add-opens are
# those that Aeron and Chronicle ask for.
here=$(dirname "$0")
case $1 in
aeron) main=AeronIpc ;;
disruptor) main=Disruptor ;;
chronicle) main=Chronicle ;;
*) echo "usage: run.sh aeron|disruptor|chronicle rtt|throughput" >&2; exit 2 ;;
esac
exec java -XX:+UseSerialGC -Xms512m -Xmx512m -XX:+AlwaysPreTouch \
	-XX:+UnlockDiagnosticVMOptions -XX:GuaranteedSafepointInterval=0 \
	-Dagrona.disable.bounds.checks=true \
	-Dchronicle.announcer.disable=true -Dchronicle.analytics.disable=true -Dchronicle.disk.monitor.disable=true \
	-Djvm.resource.tracing=false -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
	--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED \
	--add-exports=java.base/sun.nio.ch=ALL-UNNAMED \
	--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED \
	--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED \
	--add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED \
	--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED \
	--add-opens=java.base/java.lang=ALL-UNNAMED \
	--add-opens=java.base/java.lang.reflect=ALL-UNNAMED \
	--add-opens=java.base/java.io=ALL-UNNAMED \
	--add-opens=java.base/java.util=ALL-UNNAMED \
	--add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
	-cp "$here/$1/target/classes:$here/$1/target/lib/*" "peers.$main" "$2"
